#pragma once

#include <string>

namespace snapfix::os {

// Paths that the user named. All throw Error with the path where they cannot tell.

/// `path` made absolute; it need not exist.
std::string absolute_path(const std::string& path);

/// `path` made absolute and free of symlinks. Throws Error if there is no such thing.
std::string canonical_path(const std::string& path);

/// The same, but what comes last in it need not exist.
std::string resolved_path(const std::string& path);

/// Whether there is such a name, a symlink that leads nowhere too; false also where we may not
/// look.
bool is_visible(const std::string& path) noexcept;

/// Whether there is something at that path; symlinks are followed.
bool exists(const std::string& path);
bool is_file(const std::string& path); ///< a regular one
bool is_folder(const std::string& path);

} // namespace snapfix::os
