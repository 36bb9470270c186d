#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace snapfix::guard {

/// What is to be protected in one snapshot.
struct Protection {
  std::uint64_t device = 0; ///< of the file system that holds the inodes
  std::vector<std::uint64_t> inodes;
  /// Seconds and nanoseconds of that file system's clock when the inodes were listed: a file that
  /// is younger has got a number that was free again.
  std::int64_t listed_seconds = 0;
  std::uint32_t listed_nanoseconds = 0;
  std::string tree;    ///< the snapshot's folder
  std::string staging; ///< a folder for copies being made
  std::string store;   ///< whoever links from below it makes snapshots: that breaks nothing
};

std::string to_message(const Protection& protection);
Protection protection_from(const std::string& message);

/// An openat2(2) of this path, which nobody has, gives a guarded process a Channel to its guard.
constexpr const char* k_door = "/dev/null/snapfix-guard";

} // namespace snapfix::guard
