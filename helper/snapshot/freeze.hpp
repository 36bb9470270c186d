#pragma once

#include "snapshot/manifest.hpp"
#include "snapshot/root.hpp"
#include "source/list.hpp"
#include "source/scan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// What was read and copied of the source, without what lies in a `.git`.
struct ReadCounts {
  std::uint64_t files_read = 0;
  std::uint64_t bytes_read = 0;
  std::uint64_t files_copied = 0; ///< into the store, reflinked ones included
  std::uint64_t bytes_copied = 0; ///< data that was written, reflinked ones not included

  ReadCounts& operator+=(const ReadCounts& other) noexcept;
};

/// The base of the source's present state, and what it took to know it.
struct Frozen {
  Base base;
  bool made = false; ///< false if it stood already
  source::LeftOut left_out;
  std::uint64_t uncloned = 0;
  ReadCounts counts;
  double seconds = 0;
  std::vector<std::string> notes;
  std::vector<std::string> warnings; ///< of symlinks that leave the tree
};

/// The key of a (source, files, include, git, link_from): what one freeze serves.
os::Hash freeze_key(const source::Selection& selection, LinkFrom from);

/// Makes the base of the source's present state, or finds that it stands. The state is one that
/// existed: either all that was seen is older than the freeze and no folder has changed during it,
/// or a second look at all names and stats equals the first; else it is tried again, and after
/// three times os::Error says that the source is changing. A file is not read again only if its
/// size, mtime, ctime, mode and inode are what the last freeze saw, and its ctime was over 2 s old
/// then. The objects of a base that stands are not looked at: create() does, when it links them.
/// The caller holds the store's lock, shared, for as long as it needs the base.
Frozen freeze(const Root& root, const source::Selection& selection, LinkFrom from);

} // namespace snapfix::snapshot
