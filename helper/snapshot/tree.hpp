#pragma once

#include "os/dir.hpp"
#include "snapshot/known_folders.hpp"
#include "snapshot/ledger.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/old_tree.hpp"
#include "snapshot/options.hpp"
#include "snapshot/root.hpp"

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace snapfix::snapshot {

/// Thrown where a tree cannot be made because objects are not what the base says: heal them, then
/// begin anew.
struct DamagedObjects : std::runtime_error {
  explicit DamagedObjects(std::vector<std::size_t> damaged)
      : runtime_error("objects in the store are damaged"), files(std::move(damaged)) {}

  std::vector<std::size_t> files; ///< indices in the base's files()
};

/// What was made of each file of a base.
struct MadeTree {
  std::vector<Made> made;
  std::vector<std::uint64_t> inodes;
  std::vector<FolderState> folders; ///< the base's, as a refresh left them
  Ledger ledger;
};

/// Makes the tree of `base` in the empty folder `tree`. The caller holds the store's lock, shared.
/// A mode of the top folder that would keep its owner from moving it is left to set_top_mode.
/// Throws os::Error or DamagedObjects.
MadeTree make_tree(const Root& root, const Base& base, const TreeOptions& options,
                   const os::Dir& tree);

/// Brings a tree in any state to what make_tree makes, touching only what differs. A linked file
/// that is the object itself stays, as does a symlink; everything private is made again.
MadeTree refresh_tree(const Root& root, const Base& base, const TreeOptions& options,
                      const os::Dir& tree, const KnownTree* known = nullptr);

/// As refresh_tree, but what jobs have made stays: all but the files of `base`, and those that are
/// still as `old` says. Throws os::Error where a job has put a folder in the place of a file of
/// `base`, or the other way round; what was done until then stays done.
MadeTree update_tree(const Root& root, const Base& base, const TreeOptions& options,
                     const os::Dir& tree, const OldTree& old);

/// Gives the top folder of a published tree its mode.
void set_top_mode(const Base& base, const os::Dir& tree);

} // namespace snapfix::snapshot
