#pragma once

#include "cli/arguments.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace snapfix::cli {

/// What a text names, `30s`, `15m`, `12h`, `7d` or `2w`, in seconds; nothing if none.
std::optional<std::int64_t> seconds_in(const std::string& text);

/// What an option's value names, `30s`, `15m`, `12h`, `7d` or `2w`, in seconds.
std::int64_t seconds_from(const Arguments& arguments, const char* name, const std::string& text);

} // namespace snapfix::cli
