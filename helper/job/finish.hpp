#pragma once

#include "snapshot/manage.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/snapshot.hpp"

#include <optional>
#include <string>
#include <vector>

namespace snapfix::job {

struct Finishing {
  snapshot::Finished snapshot;
  std::string path; ///< where it stood
  std::string name;
  std::string root;
  std::vector<snapshot::TouchedFile> source_writes; ///< that were to be reported
  bool lock_changed = false;
  double began = 0; ///< seconds since 1970
  std::string pack; ///< the path of its pack; empty: none was to be made

  bool has_finding() const {
    return lock_changed || !source_writes.empty() || !snapshot.verified.findings.empty();
  }
};

/// Finishes the snapshot, whose last run is `run`. Tells what is wrong with it: shared files or
/// locks that were changed, writes to the source. Packs it where it is to, and remembers the run.
/// `failure`: why no command was run in it, or nothing. Throws os::Error.
Finishing finish(snapshot::Held& held, const std::optional<snapshot::RunRecord>& run,
                 const snapshot::FinishOptions& options, const std::string& failure = {});

/// Packs a snapshot that is kept of a failure; of another one no pack stays. Its path, or nothing.
std::string make_pack(const snapshot::Held& held, const std::optional<snapshot::RunRecord>& run,
                      const snapshot::FinishOptions& options, const snapshot::Finished& finished);

/// Tells where the snapshot is kept and how to get into it, or why its tree was not handed on.
void tell_what_became_of(const Finishing& finishing);

/// Finishes the snapshots that their runs were to finish, and did not: these were killed. What
/// cannot be finished is told. Whether anything was found in them, or may be.
bool finish_killed_runs(const snapshot::Root& root);

} // namespace snapfix::job
