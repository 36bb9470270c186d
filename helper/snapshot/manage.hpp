#pragma once

#include "snapshot/collect.hpp"
#include "snapshot/contents.hpp"
#include "snapshot/hold.hpp"
#include "snapshot/root.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/snapshot.hpp"
#include "snapshot/spares.hpp"
#include "snapshot/verify.hpp"
#include "source/git_folder.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace snapfix::snapshot {

// What happens to snapshots after they were used.

/// Removes the snapshot: the name is free at once, the tree goes by way of the trash. Returns what
/// could not be removed, with the reason; it stays in the trash. Throws os::Error if there is no
/// snapshot of that name, or somebody holds it.
std::vector<std::string> remove(Held& held);

struct Finished {
  bool existed = false;
  Verified verified;
  bool kept = false;
  std::string why_kept;
  Outcome outcome = Outcome::passed;
  std::string reason; ///< why it did not pass
  HandedOn handed_on;
  std::vector<std::string> left; ///< what could not be removed
};

/// Verifies the snapshot, then keeps it (also where somebody holds it), or hands its tree on, or
/// removes it. `fault` is what else
/// was found wrong: not nothing, and Keep::on_failure keeps. `run` is the last one in it. A missing
/// snapshot is fine; one that cannot be verified is an os::Error, and stays. What was found goes to
/// `tell` and into the record before anything else can fail.
Finished finish(Held& held, std::optional<RunRecord> run, const FinishOptions& options,
                const std::string& fault, const std::function<void(const Verified&)>& tell);

/// Everything that is recorded of a snapshot, and what it holds now.
struct Description {
  std::string path;
  os::Hash base;
  SnapshotMeta meta;
  std::optional<Contents> now; ///< nothing where it cannot be told, see contents_of()
  std::optional<RunRecord> run;
  bool is_running = false;                    ///< a command runs in it
  std::vector<HoldRecord> holds;              ///< that are not over
  std::optional<source::BorrowedObjects> git; ///< of its `.git`, if that was asked
};

Description describe(const Snapshot& snapshot);

struct Listed {
  std::string root;                   ///< its path
  std::vector<Description> snapshots; ///< by name
  std::vector<std::string> damaged;   ///< folders of those whose manifest or tree is damaged
  Spares spares;
};

Listed list(const Root& root);

struct PruneOptions {
  std::optional<std::uint64_t> keep;              ///< the newest so many snapshots stay
  std::optional<std::int64_t> older_than_seconds; ///< snapshots older than that go
  std::optional<std::uint64_t> spares;            ///< at most so many stay
  bool dry_run = false;
};

struct Pruned {
  std::vector<std::string> snapshots;
  std::vector<std::string> in_use; ///< snapshots that would go, but are locked
  std::vector<std::pair<std::string, std::string>> held; ///< the same, but are held: by whom
  Collected store;
  std::uint64_t bytes = 0;       ///< that were freed: the store's, and what snapshots alone held
  std::vector<std::string> left; ///< debris that could not be removed
};

/// Removes debris and what of the store nothing uses; snapshots only as the options say.
Pruned prune(const Root& root, const PruneOptions& options);

} // namespace snapfix::snapshot
