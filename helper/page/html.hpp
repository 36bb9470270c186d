#pragma once

#include <string>
#include <string_view>

namespace snapfix::page {

/// Text for HTML, also within quotes: special characters escaped, bytes that are no UTF-8 replaced,
/// and control characters, those that turn the direction of text too, made visible.
std::string escaped(std::string_view text);

/// The same of several lines, which stay lines.
std::string escaped_lines(std::string_view text);

} // namespace snapfix::page
