#pragma once

#include "cli/arguments.hpp"

#include <cstdint>
#include <string>

namespace snapfix::cli {

/// What an option's value names, `30s`, `15m`, `12h`, `7d` or `2w`, in seconds.
std::int64_t seconds_from(const Arguments& arguments, const char* name, const std::string& text);

} // namespace snapfix::cli
