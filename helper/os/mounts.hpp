#pragma once

#include <string>

namespace snapfix::os {

// What is mounted, as far as this process sees mounts.

/// The type of the file system that a folder lies in (ext4, nfs4, ...), `unknown` if that cannot be
/// told.
std::string file_system_type(const std::string& folder);

/// Whether something is mounted on that folder (an absolute path without symlinks) or below it. Yes
/// where that cannot be told.
bool holds_mounts(const std::string& folder);

} // namespace snapfix::os
