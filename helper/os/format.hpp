#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <string>

namespace snapfix::os {

/// fmt::vformat() and fmt::vprint(), compiled once: linked in from its headers, fmt would be
/// compiled anew in each file that calls it, which doubles the time of a build.
std::string vformat(fmt::string_view text, fmt::format_args args);
void vprint(std::FILE* file, fmt::string_view text, fmt::format_args args);

/// fmt::format() and fmt::print(), text checked at compile time as theirs.
template<class... Args> std::string format(fmt::format_string<Args...> text, Args&&... args) {
  return os::vformat(text, fmt::make_format_args(args...));
}

/// Throws Error where stdout cannot be written; what cannot be told on stderr is dropped.
template<class... Args>
void print(std::FILE* file, fmt::format_string<Args...> text, Args&&... args) {
  os::vprint(file, text, fmt::make_format_args(args...));
}

template<class... Args> void print(fmt::format_string<Args...> text, Args&&... args) {
  os::vprint(stdout, text, fmt::make_format_args(args...));
}

} // namespace snapfix::os
