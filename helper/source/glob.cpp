#include "source/glob.hpp"

#include "os/error.hpp"
#include "os/format.hpp"

#include <algorithm>

#include <fnmatch.h>

namespace snapfix::source {
namespace {

constexpr std::string_view k_any_folders = "**";

/// The length of `[...]` at the beginning of a pattern, 0 if no `]` closes it.
std::size_t bracket_length(std::string_view pattern) {
  std::size_t at = 1;
  at += at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^') ? 1 : 0;
  for (const std::size_t first = at; at < pattern.size(); ++at) {
    const char next = at + 1 < pattern.size() ? pattern[at + 1] : '\0';
    if (pattern[at] == ']' && at != first) {
      return at + 1;
    }
    if (pattern[at] == '\\') {
      ++at;
    } else if (pattern[at] == '[' && (next == ':' || next == '.' || next == '=')) {
      const auto end = pattern.find(std::string{next, ']'}, at + 2);
      at = end == std::string_view::npos ? at : end + 1;
    }
  }
  return 0;
}

/// The bytes that a pattern matches which stands for one: a bracket, `?`, `\\x` or the byte itself.
std::bitset<256> bytes_of(std::string_view pattern) {
  const std::string text(pattern);
  std::bitset<256> out;
  if (pattern != "?" && pattern != "\\" && pattern.size() <= 2) {
    return out.set(static_cast<unsigned char>(pattern.back()));
  }
  for (std::size_t byte = 1; byte < out.size(); ++byte) {
    const std::string name(1, static_cast<char>(byte));
    out[byte] = ::fnmatch(text.c_str(), name.c_str(), 0) == 0;
  }
  return out;
}

enum class End { all, some };

/// Whether the patterns, some of which take any number of texts, fit `texts`, or some of them from
/// the first on. It takes no more steps than the product of their numbers: of the patterns that
/// take any number, only the last one that was passed can help by taking more.
template<typename Pattern, typename Texts, typename Fits>
bool match(const std::vector<Pattern>& patterns, const Texts& texts, End end, const Fits& fits) {
  std::size_t pattern = 0;
  std::size_t text = 0;
  std::size_t behind_any = 0; // the pattern behind that last one; 0 for none
  std::size_t taken = 0;      // where those begin that it has not taken
  while (pattern < patterns.size() || (end == End::all && text < texts.size())) {
    if (pattern < patterns.size() && patterns[pattern].any_number) {
      behind_any = ++pattern;
      taken = text;
    } else if (pattern < patterns.size() && text < texts.size() &&
               fits(patterns[pattern], texts[text])) {
      ++pattern;
      ++text;
    } else if (behind_any != 0 && taken < texts.size()) {
      pattern = behind_any;
      text = ++taken;
    } else {
      return false;
    }
  }
  return true;
}

template<typename Iterator> std::string join(Iterator begin, Iterator end) {
  std::string out;
  for (; begin != end; ++begin) {
    out += (out.empty() ? "" : "/") + begin->text;
  }
  return out;
}

} // namespace

std::vector<std::string_view> split_path(std::string_view path) {
  std::vector<std::string_view> out;
  while (!path.empty()) {
    const auto end = path.find('/');
    if (end != 0) {
      out.push_back(path.substr(0, end));
    }
    path.remove_prefix(end == std::string_view::npos ? path.size() : end + 1);
  }
  return out;
}

GlobSet::Component::Component(std::string_view pattern)
    : text(pattern), any_number(pattern == k_any_folders) {
  while (!pattern.empty()) {
    std::size_t length = 1;
    if (pattern[0] == '\\') {
      length = std::min<std::size_t>(pattern.size(), 2);
    } else if (pattern[0] == '[') {
      length = std::max<std::size_t>(bracket_length(pattern), 1);
    }
    if (pattern[0] == '*') {
      items.push_back({{}, true});
    } else {
      items.push_back({bytes_of(pattern.substr(0, length)), false});
    }
    pattern.remove_prefix(length);
  }
}

bool GlobSet::Component::matches(std::string_view name) const {
  return match(items, name, End::all, [](const Item& item, char byte) {
    return item.bytes[static_cast<unsigned char>(byte)];
  });
}

GlobSet::GlobSet(const std::vector<std::string>& patterns, const std::string& source) {
  for (const auto& given : patterns) {
    std::string_view text = given;
    if (text.starts_with(source + "/")) {
      text.remove_prefix(source.size() + 1);
    }
    const auto refuse = [&](const char* why) {
      throw os::Error(os::format("the pattern {} {}", os::quoted(given), why),
                      "write it relative to the source, as in 'data/*.bin' or '*.log'");
    };
    if (!os::is_utf8(text)) {
      refuse("is no UTF-8");
    }
    if (text.starts_with('/')) {
      refuse("is an absolute path outside the source");
    }
    // As in .gitignore: a slash at the end does not anchor it.
    const auto slash = given.find('/');
    const bool anywhere = slash == std::string::npos || slash + 1 == given.size();
    Glob glob;
    for (const auto component : split_path(text)) {
      if (component == "..") {
        refuse("leaves the source");
      }
      if (component != ".") {
        glob.components.emplace_back(component);
      }
    }
    if (glob.components.empty()) {
      refuse("names no file");
    }
    glob.text = join(glob.components.begin(), glob.components.end());
    if (anywhere) {
      glob.components.insert(glob.components.begin(), Component(k_any_folders));
    }
    if (glob.components.back().any_number) {
      glob.components.emplace_back("*"); // `a/**` means what lies in a, not a itself
    }
    m_globs.push_back(std::move(glob));
  }
}

bool GlobSet::matches(std::string_view path) const {
  if (m_globs.empty()) {
    return false;
  }
  const auto components = split_path(path);
  const auto fits = [](const Component& component, std::string_view name) {
    return component.matches(name);
  };
  return std::ranges::any_of(m_globs, [&](const Glob& glob) { // it, or a folder above it
    return match(glob.components, components, End::some, fits);
  });
}

std::vector<std::string> GlobSet::patterns() const {
  std::vector<std::string> out;
  for (const auto& glob : m_globs) {
    // "a" matches anywhere, "./a" only at the top: the record must tell them apart.
    const bool anchored = !glob.components[0].any_number && glob.components.size() == 1;
    out.push_back(anchored ? "./" + glob.text : glob.text);
  }
  return out;
}

std::vector<std::string> GlobSet::folders() const {
  std::vector<std::string> out;
  for (const auto& glob : m_globs) {
    const auto last_folder = glob.components.end() - 1;
    const auto literal_end =
        std::find_if(glob.components.begin(), last_folder, [](const Component& component) {
          return component.text.find_first_of("*?[\\") != std::string::npos;
        });
    out.push_back(join(glob.components.begin(), literal_end));
  }
  return out;
}

} // namespace snapfix::source
