#pragma once

#include "os/words.hpp"
#include "snapshot/root.hpp"
#include "snapshot/run_record.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::snapshot {

// What stays of runs when their snapshots have gone: of each name its last ones, for who looks at a
// night, and at how long a test takes from night to night.

/// What the tree of a run was, and what it cost.
struct TreeCost {
  std::uint64_t entries = 0; ///< files, symlinks and folders
  std::uint64_t bytes = 0;   ///< of its files
  std::uint64_t copied = 0;  ///< of those, the bytes that were copied for it
  bool handed_on = false;    ///< another snapshot left it: nothing was made
};

/// What is told of a run as long as it is its name's last one.
struct RunDetails {
  std::vector<std::string> command;
  std::optional<RunEnd> end;
  std::optional<Changes> changes;
  std::vector<TouchedFile> made_private;
  std::uint64_t more_private = 0;
  std::vector<std::string> findings; ///< what it changed and must not, a line each
  std::vector<std::string> notes;    ///< what else is odd about it
  std::string guard;                 ///< whether it was on, in the words of `show`
  std::string pack;                  ///< the path of its pack
};

/// A run that was finished, or never got to its command. A freeze is one, too.
struct PastRun {
  std::string name; ///< of the snapshot; of a freeze the source
  std::string host;
  pid_t pid = 0;
  std::optional<RunParent> parent;
  std::string ctest; ///< as RunRecord::ctest
  RunTimes times;
  double finishing = 0; ///< its finish began; seconds since 1970
  double finished = 0;
  Outcome outcome = Outcome::unknown;
  std::string reason;   ///< why it did not pass
  std::string why_kept; ///< its snapshot, by its finish; empty: it was not
  TreeCost tree;
  std::optional<RunDetails> details;

  /// Whether both are records of one run.
  bool is_same_run(const PastRun& other) const {
    return pid == other.pid && host == other.host && times.asked == other.times.asked;
  }
};

/// The runs of one name, the last one first.
struct History {
  std::vector<PastRun> runs;
};

/// Their folder in `.snapfix`.
constexpr const char* k_histories = "history";
/// How many runs of a name are remembered.
constexpr std::size_t k_most_past_runs = 20;
/// How many lines, paths and the like of each kind.
constexpr std::size_t k_most_details = 20;

/// Adds a run to those of `key`, a snapshot's folder, whose name's lock the caller holds. It takes
/// the place of an earlier record of the same run, and of a damaged file; one of a newer snapfix is
/// left alone. Throws os::Error.
void remember(const Root& root, const std::string& key, PastRun run);

/// The last run that is remembered of `key`.
std::optional<PastRun> last_past_run(const Root& root, const std::string& key);

/// The key under which a freeze is remembered, which no snapshot's folder has.
std::string key_of_freeze(const os::Hash& freeze_key);
bool is_freeze(const std::string& key);

struct KeyedHistory {
  std::string key;
  History history;
};

/// All that is remembered, by key. One that cannot be read, or is damaged, is without runs. Throws
/// os::Error.
std::vector<KeyedHistory> load_histories(const Root& root);

/// Removes what was last written that long ago, or longer than half a year; of no name whose
/// snapshot stands.
void trim_histories(const Root& root, std::optional<std::int64_t> older_than_seconds = {});

} // namespace snapfix::snapshot
