#pragma once

#include "os/lock.hpp"
#include "snapshot/root.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/snapshot.hpp"
#include "snapshot/tree.hpp"
#include "snapshot/verify.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::snapshot {

// A spare is a pristine tree that waits in `.snapfix/spares/` for its next job. It has a manifest
// and a lock like a snapshot, under a name that no snapshot can have.

/// What became of a tree that was to be handed on.
struct HandedOn {
  bool is_spare = false;
  std::string why_not; ///< where the user can do something about it
};

/// Makes a spare of a snapshot whose name's lock the caller holds, and which was just verified,
/// without findings; at most so many spares there are to be. `run` is its last one. The snapshot is
/// gone then. Otherwise it, or what is left of it, is to be removed.
HandedOn hand_on(const Snapshot& snapshot, const std::optional<RunRecord>& run,
                 const Verified& verified, std::size_t most);

/// Puts the spare that is most like what is wanted where new trees are made, in `work/<folder>`,
/// and returns its manifest. The caller holds the name's lock of `folder`. Nothing: there is none.
std::optional<SnapshotManifest> take_spare(const Root& root, const std::string& folder,
                                           const Base& base, const TreeOptions& options);

/// Whether nothing of a spare is to be done for this base.
bool is_of(const SnapshotManifest& spare, const Base& base);

/// Whether a folder's name is that of a spare.
bool is_spare(const std::string& folder);

struct Spares {
  std::uint64_t trees = 0;
  std::uint64_t entries = 0; ///< files, symlinks and folders
};

Spares count_spares(const Root& root);

/// Removes spares of bases that no freeze of a source was the last to make, and until no more than
/// `most` stay. Returns their manifests' names; in a dry run those that would go.
std::vector<std::string> trim_spares(const Root& root, std::optional<std::uint64_t> most,
                                     bool dry_run);

} // namespace snapfix::snapshot
