#pragma once

#include "os/dir.hpp"
#include "os/progress.hpp"

#include <string>
#include <vector>

namespace snapfix::os {

/// Removes `name` in `parent` with all below it. Follows no symlink and crosses no mount; gives
/// itself permission on folders where it needs it, never on files. Returns the paths that could
/// not be removed, with the reason, and leaves those: nothing is thrown for them. `progress` counts
/// the entries.
std::vector<std::string> remove_tree(const Dir& parent, const char* name,
                                     Progress* progress = nullptr);

/// Opens a folder of `parent`, never following a symlink and never entering a mount. Throws Error.
Dir open_on_same_mount(const Dir& parent, const char* name);

/// Gives the owner rwx on a folder of ours, never following a symlink. False if it is not ours.
bool open_up(const Dir& parent, const char* name) noexcept;

} // namespace snapfix::os
