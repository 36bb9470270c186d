#pragma once

#include "os/words.hpp"
#include "snapshot/snapshot.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace snapfix::snapshot {

enum class Change : std::uint8_t { changed, removed, added };

/// A file whose content is not what the snapshot's base says.
struct Difference {
  std::string path; ///< in the snapshot
  Change change = Change::changed;
  std::string before; ///< where the base's content lies; empty for what was added
  std::string after;  ///< where the snapshot's lies; empty for what was removed
};

/// Compares those paths of a snapshot with its base, whether they are shared or private; paths that
/// neither holds are fine.
std::vector<Difference> differences(const Snapshot& snapshot,
                                    const std::vector<std::string>& paths);

} // namespace snapfix::snapshot

template<>
inline constexpr std::array snapfix::os::k_words<snapfix::snapshot::Change>{"changed", "gone",
                                                                            "new"};
