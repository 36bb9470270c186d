#include "source/path_mapping.hpp"

#include "source/glob.hpp"
#include "source/listing.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <string_view>

namespace snapfix::source {
namespace {

constexpr std::string_view k_before = "=:;,'\"`([{<>|&@ \t\n";
constexpr std::string_view k_after = ":;,'\"`)]}<>|& \t\n";

bool exists(const std::string& path) {
  boost::system::error_code failed;
  return boost::filesystem::exists(path, failed);
}

bool is_build_tree(const std::string& folder) {
  return exists(folder + "/CMakeCache.txt");
}

bool may_begin_at(const std::string& text, std::size_t at) {
  if (at == 0 || k_before.find(text[at - 1]) != std::string_view::npos) {
    return true;
  }
  return at == 2 && text[0] == '-' && text[1] != '-'; // -I<path>
}

bool may_end_at(const std::string& text, std::size_t at) {
  return at == text.size() || text[at] == '/' || k_after.find(text[at]) != std::string_view::npos;
}

} // namespace

PathMapping::PathMapping(std::vector<std::string> sources, std::string snapshot)
    : m_sources(std::move(sources)), m_snapshot(std::move(snapshot)) {
  std::ranges::sort(m_sources, std::ranges::greater(), &std::string::size);
  m_sources.erase(std::unique(m_sources.begin(), m_sources.end()), m_sources.end());
}

std::string PathMapping::map_argument(const std::string& text) const {
  // `<source> (old)/t.sh`: as a whole it is a path, and not one of the source.
  const bool begins_below = std::ranges::any_of(
      m_sources, [&](const std::string& source) { return is_below(text, source); });
  if (!begins_below && text.starts_with('/') && exists(text)) {
    return text;
  }
  return map(text, 0, Missing::map);
}

std::string PathMapping::map_variable(const std::string& variable) const {
  const auto equals = variable.find('=');
  return equals == std::string::npos ? variable : map(variable, equals + 1, Missing::keep);
}

/// `rest` is what follows the source in the path, with its slash.
bool PathMapping::is_mapped(const std::string& source, const std::string& rest,
                            Missing missing) const {
  if (leaves_tree("", "." + rest)) {
    return false; // <source>/../elsewhere
  }
  std::string folder = source;
  for (const auto component : split_path(rest)) {
    folder += "/";
    folder += component;
    if (is_build_tree(folder) || exists(folder + "/.snapfix")) {
      return false;
    }
  }
  // In a source that is its own build tree, what git does not know is what the build made.
  const bool keep_made = missing == Missing::keep || is_build_tree(source);
  return !keep_made || exists(m_snapshot + rest) || !exists(source + rest);
}

std::string PathMapping::map(const std::string& text, std::size_t from, Missing missing) const {
  std::string out = text.substr(0, from);
  std::size_t at = from;
  while (at < text.size()) {
    const auto source = std::ranges::find_if(m_sources, [&](const std::string& candidate) {
      return text.compare(at, candidate.size(), candidate) == 0 &&
             may_end_at(text, at + candidate.size());
    });
    if (source == m_sources.end() || !may_begin_at(text, at)) {
      out += text[at++];
      continue;
    }
    const std::size_t rest_begin = at + source->size();
    const auto rest_end = std::min(text.find_first_of(k_after, rest_begin), text.size());
    const std::string rest = text.substr(rest_begin, rest_end - rest_begin);
    out += is_mapped(*source, rest, missing) ? m_snapshot : *source;
    out += rest;
    at = rest_end;
  }
  return out;
}

} // namespace snapfix::source
