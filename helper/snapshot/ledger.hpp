#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace snapfix::snapshot {

class Base;
enum class Made : std::uint8_t;

/// What a snapshot cost and saved.
struct Ledger {
  std::uint64_t linked = 0;
  std::uint64_t reflinked = 0;
  std::map<std::string, std::uint64_t> copied_by_reason;
  std::uint64_t symlinks = 0;
  std::uint64_t folders = 0;
  std::uint64_t bytes_shared = 0; ///< in files that were linked or reflinked
  std::uint64_t bytes_copied = 0;
  double seconds = 0;
  bool handed_on = false; ///< a tree that stood already was taken, or refreshed

  std::uint64_t copied() const;
  /// Files, symlinks and folders.
  std::uint64_t entries() const;
};

/// Counts what was made of each file of the base.
Ledger count_made(const Base& base, const std::vector<Made>& made);

} // namespace snapfix::snapshot
