#pragma once

#include <array>
#include <span>
#include <string_view>

namespace snapfix::source {

// What lies in a git folder and decides what git says of the work tree. Some belong to one work
// tree, the others to all of a repository.

inline constexpr std::array<std::string_view, 11> k_git_file_names{"HEAD",
                                                                   "config",
                                                                   "config.worktree",
                                                                   "index",
                                                                   "shallow",
                                                                   "info/attributes",
                                                                   "info/exclude",
                                                                   "info/grafts",
                                                                   "info/sparse-checkout",
                                                                   "objects/info/alternates",
                                                                   "logs/refs/stash"};
inline constexpr std::array<std::string_view, 3> k_git_ref_names{"packed-refs", "refs", "reftable"};

/// A merge, a rebase and the like that is not at its end yet. Not FETCH_HEAD, which holds URLs.
inline constexpr std::array<std::string_view, 21> k_git_under_way_names{
    "ORIG_HEAD",       "MERGE_HEAD",          "MERGE_MSG",           "MERGE_MODE",
    "MERGE_AUTOSTASH", "AUTO_MERGE",          "SQUASH_MSG",          "CHERRY_PICK_HEAD",
    "REVERT_HEAD",     "REBASE_HEAD",         "BISECT_START",        "BISECT_LOG",
    "BISECT_TERMS",    "BISECT_NAMES",        "BISECT_EXPECTED_REV", "BISECT_ANCESTORS_OK",
    "BISECT_HEAD",     "BISECT_FIRST_PARENT", "rebase-merge",        "rebase-apply",
    "sequencer"};

inline constexpr std::span<const std::string_view> k_git_files{k_git_file_names};
inline constexpr std::span<const std::string_view> k_git_refs{k_git_ref_names};
inline constexpr std::span<const std::string_view> k_git_under_way{k_git_under_way_names};

} // namespace snapfix::source
