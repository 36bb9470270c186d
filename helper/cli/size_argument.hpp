#pragma once

#include "cli/arguments.hpp"

#include <cstdint>

namespace snapfix::cli {

/// The value of an option that takes a size: a whole number of bytes, or of kB, MB or GB with k, M
/// or G behind it; `otherwise` where it is not given.
std::uint64_t size_from(const Arguments& arguments, const char* name, std::uint64_t otherwise);

} // namespace snapfix::cli
