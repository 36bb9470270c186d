#pragma once

#include "snapshot/manifest.hpp"
#include "snapshot/root.hpp"

#include <string>
#include <vector>

namespace snapfix::snapshot {

enum class Change { changed, removed, added };

/// A file whose content is not what the snapshot's base says.
struct Difference {
  std::string path; ///< in the snapshot
  Change change = Change::changed;
  std::string before; ///< where the base's content lies; empty for what was added
  std::string after;  ///< where the snapshot's lies; empty for what was removed
};

/// Compares those paths of a snapshot with its base, whether they are shared or private; paths that
/// neither holds are fine.
std::vector<Difference> differences(const Root& root, const std::string& folder,
                                    const SnapshotManifest& manifest, const Base& base,
                                    const std::vector<std::string>& paths);

} // namespace snapfix::snapshot
