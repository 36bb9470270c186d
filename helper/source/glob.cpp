#include "source/glob.hpp"

#include "os/error.hpp"
#include "os/format.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

#include <fnmatch.h>

namespace snapfix::source {
namespace {

constexpr std::string_view k_any_folders = "**";

using Pattern = std::span<const std::string>;
using Components = std::span<const std::string_view>;

/// Whether the pattern matches the path or a folder above it.
bool matches_prefix(Pattern pattern, Components path) {
  if (pattern.empty()) {
    return true;
  }
  if (pattern[0] == k_any_folders) {
    if (pattern.size() == 1) {
      return !path.empty(); // `a/**` means what lies in a, not a itself
    }
    for (std::size_t skipped = 0; skipped <= path.size(); ++skipped) {
      if (matches_prefix(pattern.subspan(1), path.subspan(skipped))) {
        return true;
      }
    }
    return false;
  }
  return !path.empty() && ::fnmatch(pattern[0].c_str(), std::string(path[0]).c_str(), 0) == 0 &&
         matches_prefix(pattern.subspan(1), path.subspan(1));
}

bool is_literal(const std::string& component) {
  return component.find_first_of("*?[\\") == std::string::npos;
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
    glob.text = os::format("{}", fmt::join(glob.components, "/"));
    if (anywhere) {
      glob.components.insert(glob.components.begin(), std::string(k_any_folders));
    }
    m_globs.push_back(std::move(glob));
  }
}

bool GlobSet::matches(std::string_view path) const {
  if (m_globs.empty()) {
    return false;
  }
  const auto components = split_path(path);
  return std::ranges::any_of(
      m_globs, [&](const Glob& glob) { return matches_prefix(glob.components, components); });
}

std::vector<std::string> GlobSet::patterns() const {
  std::vector<std::string> out;
  for (const auto& glob : m_globs) {
    // "a" matches anywhere, "./a" only at the top: the record must tell them apart.
    const bool anchored = glob.components[0] != k_any_folders && glob.components.size() == 1;
    out.push_back(anchored ? "./" + glob.text : glob.text);
  }
  return out;
}

std::vector<std::string> GlobSet::folders() const {
  std::vector<std::string> out;
  for (const auto& glob : m_globs) {
    const auto last_folder = glob.components.end() - 1;
    const auto literal_end = std::find_if_not(glob.components.begin(), last_folder, is_literal);
    out.push_back(os::format("{}", fmt::join(glob.components.begin(), literal_end, "/")));
  }
  return out;
}

} // namespace snapfix::source
