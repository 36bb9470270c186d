#pragma once

#include "snapshot/snapshot.hpp"

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace snapfix::snapshot {

/// The files of a snapshot that it shares with others: what a guard protects.
struct SharedFiles {
  std::uint64_t device = 0; ///< of their file system, as stat tells it on this host now
  std::vector<std::uint64_t> inodes;
};

/// Read from the manifest; one file of the tree is looked at, for the device. Throws os::Error.
SharedFiles shared_files(const Snapshot& snapshot);

/// The paths of those inodes in the snapshot, by inode.
std::unordered_map<std::uint64_t, std::string> paths_of(const Snapshot& snapshot,
                                                        const std::vector<std::uint64_t>& inodes);

} // namespace snapfix::snapshot
