#pragma once

#include "os/dir.hpp"
#include "snapshot/manifest.hpp"
#include "source/list.hpp"
#include "source/scan.hpp"

#include <string>
#include <unordered_set>
#include <vector>

namespace snapfix::snapshot {

/// What was found out about one file of the source.
struct FileState {
  enum class Known {
    no,   ///< it has to be read; the record is the last base's where its content may still fit
    read, ///< it was read, in this attempt or, unchanged since, in one before
    from_last_base
  };
  FileRecord record{};
  std::string target; ///< a symlink's text
  Known known = Known::no;
};

/// One look at the source, and what came of it.
struct Look {
  source::Listing listing; ///< holds the names that the scan points to
  source::Scan scan;
  std::vector<FileState> states; ///< one a file, in the scan's order

  /// Whether the source is in the state of that base, which all files were taken over from.
  bool equals(const Base& base) const;
};

/// Lists and stats the source; nothing is known yet.
Look look_at(const source::Selection& selection, const os::Dir& top);

/// Takes over from the last base, and what its freeze saw, all files that need not be read. Those
/// whose object is `damaged` (indices in the base) or lost must be.
void take_over(Look& look, const Base& last, const FreezeRecord& seen,
               const std::unordered_set<std::size_t>& damaged);

/// Takes over what was read in the look before this one, where the stat is still the same.
void take_over(Look& look, const Look& before);

} // namespace snapfix::snapshot
