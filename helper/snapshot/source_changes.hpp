#pragma once

#include "snapshot/difference.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/root.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// What of a source is not as a base has it.
struct SourceChange {
  std::string path; ///< a file, or a folder that holds none
  Change change = Change::changed;

  // NOLINTNEXTLINE(modernize-use-nullptr): clang-tidy 14
  auto operator<=>(const SourceChange&) const = default;
};

/// What became of a source.
struct SourceOutcome {
  std::set<SourceChange> changes;
  std::optional<std::string> error; ///< why it cannot be compared

  bool is_same() const { return changes.empty() && !error; }
};

/// Compares the source, as it is now, with its base: names, modes, sizes, mtimes, and by the
/// content what has another ctime than its freeze saw. By path. Throws os::Error where the source
/// cannot be looked at.
std::vector<SourceChange> source_changes(const Root& root, const Base& base);

} // namespace snapfix::snapshot
