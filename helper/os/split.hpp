#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace snapfix::os {

/// The pieces of a text, also empty ones, but for one behind the last separator.
std::vector<std::string> split(std::string_view text, char separator);

} // namespace snapfix::os
