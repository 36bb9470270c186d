#pragma once

#include "job/run.hpp"
#include "snapshot/snapshot.hpp"

#include <cstdint>
#include <string>

namespace snapfix::job {

enum class In : std::uint8_t {
  kept_tree,    ///< as it stands
  pristine_tree ///< of the same base, or where that is lost of the source's present state: told
};

/// What makes run() repeat the last recorded run in a snapshot: command, folder, environment and
/// options. Throws os::Error where there is no such run.
RunOptions repetition(const snapshot::Snapshot& snapshot, In in);

} // namespace snapfix::job
