#pragma once

#include "snapshot/root.hpp"

#include <cstdint>

namespace snapfix::snapshot {

struct Collected {
  std::uint64_t bases = 0;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0;
};

/// Removes the bases that no snapshot, no living ctest run and no source's newest state uses, with
/// the objects that only they held. Does nothing while others work in the store.
Collected collect_unused_bases(const Root& root);

/// As collect_unused_bases, and looks through the whole store for objects that no base holds.
/// With `dry_run` it only counts.
Collected collect_all(const Root& root, bool dry_run);

} // namespace snapfix::snapshot
