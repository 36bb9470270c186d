#pragma once

#include "job/pack_record.hpp"
#include "snapshot/snapshot.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace snapfix::job {

struct PackOptions {
  std::vector<std::string> environment; ///< names of variables whose values go along
  std::string verdict;                  ///< in words; empty: as the run's record has it
  std::uint64_t max_size = 50'000'000;  ///< of the contents of files, in bytes
};

/// Writes what is needed to make a snapshot's layout elsewhere, and to run its last command there,
/// into one file at `path`, which is replaced: tar, compressed by zstd. What is left out of it is
/// told. The caller holds the name's lock. Throws os::Error.
void pack(const snapshot::Snapshot& snapshot, const PackOptions& options, const std::string& path);

/// The name that the pack of the snapshot in that folder gets.
std::string pack_name(const std::string& folder);

} // namespace snapfix::job
