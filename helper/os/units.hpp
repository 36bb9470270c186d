#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace snapfix::os {

/// `12.3 MB`.
std::string human_bytes(std::uint64_t bytes);

/// `0.12 s`, `42.0 s`, `4 min 05 s`, `2 h 10 min`.
std::string human_seconds(double seconds);

/// `1 file`, `2 files`, `2 entries`.
std::string counted(std::uint64_t count, std::string_view what);

/// `12,345`.
std::string human_count(std::uint64_t count);

} // namespace snapfix::os
