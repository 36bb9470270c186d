#pragma once

#include "os/dir.hpp"
#include "source/listing.hpp"

#include <optional>
#include <string>

namespace snapfix::source {

/// Whether git finds a work tree around `folder`. Throws os::Error where it cannot tell: git is
/// missing or fails although there is a `.git`.
bool is_git_work_tree(const std::string& folder);

/// Whether git takes `folder` for the top of a work tree. False where it cannot tell.
bool is_work_tree_top(const std::string& folder);

/// The nearest folder, `folder` or one above it, that has a `.git`.
std::optional<std::string> work_tree_around(const std::string& folder);

/// Whether git neither tracks nor ignores the file `path` (relative) below `folder`. False where it
/// cannot tell.
bool is_untracked(const std::string& folder, const std::string& path);

enum class GitFiles { tracked, tracked_and_untracked };

/// Adds what git lists below `top`, submodules and nested work trees by calls of their own. git
/// says only which paths there are; nothing of its stat cache is believed. Throws os::Error if git
/// fails.
void list_git_work_tree(const os::Dir& top, GitFiles files, ListingBuilder& listing);

} // namespace snapfix::source
