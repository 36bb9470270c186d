#include "source/path_mapping.hpp"

#include "source/glob.hpp"
#include "source/list.hpp"
#include "source/listing.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>

namespace snapfix::source {
namespace {

constexpr std::string_view k_before = "=:;,'\"`([{<>|&@!^ \t\n";
constexpr std::string_view k_after = ":;,'\"`)]}<>|& \t\n";
constexpr std::string_view k_after_source = "=\\"; ///< -ffile-prefix-map=<path>=., \"<path>\"
constexpr std::string_view k_after_url = "?#@";    ///< of a file name they may be part
constexpr std::string_view k_inside = "=\\!?#@";   ///< may end a path, but are often part of one
constexpr std::string_view k_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view k_digits = "0123456789";
constexpr std::size_t k_longest_path = 4096;

bool has(std::string_view set, char c) {
  return set.find(c) != std::string_view::npos;
}

/// The end of `text` that is made of letters, digits and `more`.
std::string_view word_at_end(std::string_view text, std::string_view more) {
  std::size_t begin = text.size();
  while (begin > 0 && (has(k_letters, text[begin - 1]) || has(k_digits, text[begin - 1]) ||
                       has(more, text[begin - 1]))) {
    --begin;
  }
  return text.substr(begin);
}

bool exists(const std::string& path) {
  boost::system::error_code failed;
  return boost::filesystem::exists(path, failed);
}

/// Whether the quote at the end of `head` closes one, and what follows goes on: `"$DIR"/src`.
bool ends_with_closed_quote(std::string_view head) {
  head.remove_prefix(head.size() - std::min(head.size(), k_longest_path));
  const char quote = head.back();
  return (quote == '\'' || quote == '"' || quote == '`') &&
         std::ranges::count(head, quote) % 2 == 0 && !has(k_before, head[head.size() - 2]);
}

/// `-I`, `-isystem`: its value may follow without a blank.
bool ends_with_option(std::string_view head) {
  const auto word = word_at_end(head, "-_");
  const auto before = head.substr(0, head.size() - word.size());
  return word.size() > 1 && word[0] == '-' && has(k_letters, word[1]) &&
         (before.empty() || has(k_before, before.back()));
}

/// `scheme:` of a URL, not a single letter.
bool ends_with_scheme(std::string_view head) {
  if (!head.ends_with(':')) {
    return false;
  }
  const auto word = word_at_end(head.substr(0, head.size() - 1), "+.-");
  return word.size() > 1 && has(k_letters, word[0]);
}

/// `text` up to the slashes in front of `at`.
std::string_view without_slashes(std::string_view text, std::size_t at) {
  while (at > 0 && text[at - 1] == '/') {
    --at;
  }
  return text.substr(0, at);
}

/// Whether an absolute path begins at the slash there, the last one of several.
bool begins_at(std::string_view text, std::size_t at) {
  if (text[at] != '/' || (at + 1 < text.size() && text[at + 1] == '/')) {
    return false;
  }
  const auto head = without_slashes(text, at);
  if (ends_with_scheme(head) && at == head.size() + 1) {
    return false; // a host: http://src/
  }
  return head.empty() || (has(k_before, head.back()) && !ends_with_closed_quote(head)) ||
         ends_with_option(head) || head.ends_with("file://localhost") || head.ends_with(":-") ||
         head.ends_with(":+"); // ${VARIABLE:-<path>}
}

/// An absolute path without `.`, `..` and double slashes; one at its end stays.
std::string normal_path(std::string_view path) {
  std::vector<std::string_view> components;
  for (const auto component : split_path(path)) {
    if (component == ".." && !components.empty()) {
      components.pop_back();
    } else if (!component.empty() && component != "." && component != "..") {
      components.push_back(component);
    }
  }
  std::string out;
  for (const auto component : components) {
    out += '/';
    out += component;
  }
  return path.ends_with('/') || out.empty() ? out + '/' : out;
}

bool climbs(std::string_view path) {
  return std::ranges::any_of(split_path(path),
                             [](std::string_view component) { return component == ".."; });
}

bool are_same(const std::string& left, const std::string& right) {
  boost::system::error_code failed;
  return boost::filesystem::equivalent(left, right, failed);
}

} // namespace

PathMapping::PathMapping(std::vector<std::string> sources, std::string snapshot)
    : m_sources(std::move(sources)), m_snapshot(std::move(snapshot)) {
  for (auto& source : m_sources) {
    source = normal_path(source);
    while (source.ends_with('/')) {
      source.pop_back();
    }
  }
  std::erase(m_sources, ""); // of `/` there are no paths to tell from others
  std::ranges::sort(m_sources, std::ranges::greater(), &std::string::size);
}

std::string PathMapping::map(std::string_view text) const {
  std::string out;
  std::size_t at = 0;
  while (at < text.size()) {
    if (auto found = begins_at(text, at) ? find_at(text, at) : std::nullopt) {
      out += found->mapped;
      at = found->end;
    } else {
      out += text[at++];
    }
  }
  return out;
}

std::string PathMapping::map_variable(const std::string& variable) const {
  const auto value = std::min(variable.find('='), variable.size() - 1) + 1;
  return variable.substr(0, value) + map(std::string_view(variable).substr(value));
}

std::optional<std::string> PathMapping::only_in_source(const std::string& path) const {
  const std::string normal = normal_path(path);
  const std::string* source = source_of(normal);
  if (source == nullptr || is_build_tree(*source)) {
    return std::nullopt;
  }
  const std::string rest = normal.substr(source->size());
  const bool is_only = rest.size() > 1 && place_of(*source, rest) == Place::only_in_source;
  return is_only ? std::optional(rest.substr(1)) : std::nullopt;
}

const std::string* PathMapping::source_of(std::string_view path) const {
  const auto out = std::ranges::find_if(
      m_sources, [&](const std::string& source) { return is_below(path, source); });
  return out == m_sources.end() ? nullptr : &*out;
}

/// The path under the source that begins there, mapped or not.
std::optional<PathMapping::Found> PathMapping::find_at(std::string_view text,
                                                       std::size_t at) const {
  const bool is_url = ends_with_scheme(without_slashes(text, at));
  for (const auto& source : m_sources) {
    const std::size_t rest_at = at + source.size();
    if (text.compare(at, source.size(), source) != 0) {
      continue;
    }
    if (rest_at == text.size() || text[rest_at] == '/' || has(k_after, text[rest_at]) ||
        has(k_after_source, text[rest_at]) || (is_url && has(k_after_url, text[rest_at]))) {
      const std::size_t end = end_of_path(text, at, rest_at);
      const auto path = text.substr(at, end - at);
      return Found{end, mapped(path, source, std::string(text.substr(rest_at, end - rest_at)))};
    }
  }
  // As in <build tree>/../<source's name>.
  const auto most = text.substr(at, k_longest_path + 1);
  const auto path = most.substr(0, most.find_first_of(k_after));
  if (path.size() > k_longest_path) {
    return std::nullopt;
  }
  if (path.find("/.") == std::string_view::npos && path.find("//") == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string normal = normal_path(path);
  const std::string* source = source_of(normal);
  if (source == nullptr || (exists(std::string(path)) && !are_same(std::string(path), normal))) {
    return std::nullopt;
  }
  return Found{at + path.size(), mapped(path, *source, normal.substr(source->size()))};
}

/// Names may hold any separator: the longest path that exists, else up to the first one.
std::size_t PathMapping::end_of_path(std::string_view text, std::size_t at,
                                     std::size_t rest_at) const {
  const auto most = text.substr(0, std::min(text.find('\n', at), at + k_longest_path));
  const auto is_there = [&](std::size_t end) {
    const std::string rest(most.substr(rest_at, end - rest_at));
    return exists(std::string(most.substr(at, end - at))) ||
           (rest.starts_with('/') && exists(m_snapshot + rest));
  };
  std::size_t out = 0;
  std::size_t folder_end = rest_at; // up to there all folders exist
  for (std::size_t end = rest_at; end <= most.size(); ++end) {
    if (end < most.size() && !has(k_after, most[end]) && !has(k_inside, most[end])) {
      continue;
    }
    const std::size_t slash = most.substr(0, end).rfind('/');
    if (slash > folder_end && !is_there(slash)) {
      break;
    }
    folder_end = std::max(folder_end, slash);
    if (end > rest_at && is_there(end)) {
      out = end;
    }
  }
  if (out != 0) {
    return out;
  }
  const bool goes_on = rest_at < text.size() && text[rest_at] == '/';
  return goes_on ? std::min(text.find_first_of(k_after, rest_at), text.size()) : rest_at;
}

/// `rest` is what follows the source in the path.
std::string PathMapping::mapped(std::string_view path, const std::string& source,
                                std::string rest) const {
  if (!rest.empty() && rest[0] != '/') { // `<source> (old)`
    return std::string(path);
  }
  const std::string* inside = &source;
  if (climbs(rest)) { // <source>/build/../x: the snapshot has no build
    const std::string plain = normal_path(source + rest);
    inside = source_of(plain);
    // <source>/../elsewhere, or by way of a symlink
    if (inside == nullptr || (exists(source + rest) && !are_same(source + rest, plain))) {
      return std::string(path);
    }
    rest = plain.substr(inside->size());
  }
  return place_of(*inside, rest) == Place::snapshot ? m_snapshot + rest : std::string(path);
}

PathMapping::Place PathMapping::place_of(const std::string& source, const std::string& rest) const {
  if (folder_apart(source, source + rest)) {
    return Place::elsewhere;
  }
  return exists(m_snapshot + rest) || !exists(source + rest) ? Place::snapshot
                                                             : Place::only_in_source;
}

} // namespace snapfix::source
