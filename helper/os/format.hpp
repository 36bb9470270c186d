#pragma once

#if __has_include(<fmt/base.h>)
#include <fmt/base.h> // fmt 11
#else
#include <fmt/core.h>
#endif

#include <cstdio>
#include <string>
#include <utility>

namespace snapfix::os {

/// fmt::vformat() and fmt::vprint(). Only their source sees more of fmt than what checks texts, and
/// takes in fmt itself: else each file that prints would compile it anew.
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

/// The texts, `between` between them.
template<class Texts> std::string joined(const Texts& texts, const char* between) {
  std::string out;
  const char* before = "";
  for (const auto& text : texts) {
    out += std::exchange(before, between);
    out += text;
  }
  return out;
}

} // namespace snapfix::os
