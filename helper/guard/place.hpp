#pragma once

#include "os/fd.hpp"

#include <string>

namespace snapfix::guard {

/// Where a file lies: a folder (O_PATH) and the name in it.
struct Place {
  os::UniqueFd folder;
  std::string name;
  std::string path; ///< to find it again
};

/// What our own files are called while they are made.
constexpr const char* k_staging_prefix = ".snapfix-";

} // namespace snapfix::guard
