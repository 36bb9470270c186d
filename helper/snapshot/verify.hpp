#pragma once

#include "snapshot/run_record.hpp"
#include "snapshot/snapshot.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace snapfix::snapshot {

enum class VerifyDepth { stats, content };

/// A shared file that was changed through a link.
struct Finding {
  std::string path;
  std::vector<std::string> what; ///< of `size`, `mtime`, `mode`, `owner`, `group`, `content`
  /// The snapshots that share it: without a guard nobody can know which of them wrote.
  std::vector<std::string> suspects;
};

struct Verified {
  std::uint64_t shared = 0;
  std::uint64_t made_private = 0;  ///< regular files: private from the start, or replaced since
  std::uint64_t bytes_private = 0; ///< their lengths
  std::uint64_t missing = 0;
  std::uint64_t added = 0; ///< entries that the base does not hold; those below new folders once
  std::vector<Finding> findings;
  std::set<std::string> unguarded; ///< the suspects whose last run was not under the guard
  std::set<std::string> never_run; ///< the suspects in which no command was run
  std::uint64_t healed = 0;
  /// The base's folders that are pristine, with all files in them, for certain: those of a tree
  /// that was handed on, and whose state did not change. Others have no inode.
  std::vector<FolderState> pristine;
  std::string not_healed; ///< why the store is as it was found; empty if it is healed
  std::vector<std::string> notes;

  /// For the record of a run.
  Changes changes() const;
};

/// Compares a snapshot with its manifest. A file is shared if it still has the inode that the
/// manifest names; it must then have the object's size, mtime and mode, and with
/// VerifyDepth::content its content. Objects that were changed are healed.
/// Of one whose tree is gone, only the objects are looked at.
/// Needs no lock of the name: a job may be at work in it. Throws os::Error, also if it is just
/// being replaced or removed.
Verified verify(const Snapshot& snapshot, VerifyDepth depth);

/// What a snapshot's files have become until now.
Changes count_changes(const Snapshot& snapshot);

} // namespace snapfix::snapshot
