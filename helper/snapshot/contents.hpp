#pragma once

#include "snapshot/snapshot.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace snapfix::snapshot {

/// The regular files that a snapshot holds at the moment, and their lengths. Hard links to one file
/// count their bytes once.
struct Contents {
  std::uint64_t shared = 0;       ///< others hold the data as well: links, untouched reflinks
  std::uint64_t made_private = 0; ///< at paths of the base, with data of their own
  std::uint64_t added = 0;        ///< at paths that the base does not hold
  std::uint64_t missing = 0;      ///< paths of the base at which there is nothing
  std::uint64_t bytes_shared = 0;
  std::uint64_t bytes_private = 0;
  std::uint64_t bytes_added = 0;
  std::uint64_t unread = 0; ///< folders that we may not look into

  Contents& operator+=(const Contents& more) noexcept;
};

/// Looks at the tree as it is, which takes a stat of each file. Needs no lock, and changes nothing.
/// Nothing if another snapshot, or none, stands there now; nor if the base is lost.
std::optional<Contents> contents_of(const Snapshot& snapshot);

} // namespace snapfix::snapshot
