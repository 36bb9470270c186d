#pragma once

#include "snapshot/root.hpp"

#include <cstdint>
#include <optional>
#include <set>
#include <string>

namespace snapfix::snapshot {

struct Collected {
  std::uint64_t bases = 0;
  std::uint64_t objects = 0;
  std::uint64_t bytes = 0; ///< of objects that nothing else holds: the rest frees no data
};

/// Removes the bases that no snapshot, no living ctest run and no source's newest state uses, with
/// the objects that only they held. Does nothing while others work in the store.
Collected collect_unused_bases(const Root& root);

/// As collect_unused_bases, and looks through the whole store for objects that no base holds. With
/// `would_go` it only counts what would go if the snapshots in those folders had gone before.
Collected collect_all(const Root& root,
                      const std::optional<std::set<std::string>>& would_go = std::nullopt);

} // namespace snapfix::snapshot
