#pragma once

#include "os/dir.hpp"
#include "os/progress.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::os {

/// Removes `name` in `parent` with all below it. Follows no symlink and crosses no mount; gives
/// itself permission on folders where it needs it, never on files. Returns the paths that could
/// not be removed, with the reason, and leaves those: nothing is thrown for them. `progress` counts
/// the entries.
std::vector<std::string> remove_tree(const Dir& parent, const char* name,
                                     Progress* progress = nullptr);

/// The beginning of the names that remove_if gives; what it leaves under one when it is killed may
/// be its file, or another process's.
constexpr std::string_view k_aside = ".snapfix-aside.";

/// Removes a file if `is_meant` says so of the name that it is moved to before: what others have
/// put in its place since somebody looked goes back. Whether it is gone. Throws Error.
bool remove_if(const Dir& dir, const char* name, const std::function<bool(const char*)>& is_meant);

/// Removes a folder if nothing is in it. Whether it is gone. Throws Error.
bool remove_if_empty(const Dir& parent, const char* name);

/// Opens a folder of `parent`, never following a symlink and never entering a mount. Throws Error.
Dir open_on_same_mount(const Dir& parent, const char* name);

/// Gives the owner rwx on a folder of ours, never following a symlink. False if it is not ours.
bool open_up(const Dir& parent, const char* name) noexcept;

/// Opens a folder to look into, also one whose mode closes it to us: that is opened up. Nothing if
/// there is none, or it is not ours to open. Throws Error.
std::optional<Dir> open_own_folder(const Dir& parent, const char* name);

} // namespace snapfix::os
