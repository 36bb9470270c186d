#pragma once

#include <string>
#include <string_view>

namespace snapfix::os {

enum class Colour { red = 31, green = 32, yellow = 33, cyan = 36 };

/// `text` in that colour, bold, where stderr is a terminal that shows colours (TERM) and they are
/// wanted (https://no-color.org); else as it is.
std::string coloured(std::string_view text, Colour colour);

} // namespace snapfix::os
