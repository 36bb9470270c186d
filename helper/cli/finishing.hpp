#pragma once

#include "cli/arguments.hpp"
#include "cli/json.hpp"
#include "snapshot/manage.hpp"

#include <string>

namespace snapfix::cli {

/// Adds --keep, --verdict and --spares.
void add_finish_options(Arguments& arguments);

snapshot::FinishOptions finish_options_from(const Arguments& arguments);

struct Finishing {
  snapshot::Finished snapshot;
  SourceWrites source_writes; ///< that were to be reported
  bool lock_changed = false;

  bool has_finding() const {
    return lock_changed || !source_writes.empty() || !snapshot.verified.findings.empty();
  }
};

/// Finishes the snapshot, whose name's lock is `held`, and tells what is wrong with it: shared
/// files that were changed, locks, writes to the source. Throws os::Error.
Finishing finish_snapshot(const snapshot::Root& root, const std::string& name, const os::Lock& held,
                          const snapshot::FinishOptions& options);

/// Tells where the snapshot is kept and how to get into it, or why its tree was not handed on.
void tell_what_became_of(const Finishing& finishing, const snapshot::Root& root,
                         const std::string& name);

/// Finishes the snapshots that their runs were to finish, and did not: these were killed. What
/// cannot be finished is told. Whether anything was found in them.
bool finish_killed_runs(const snapshot::Root& root);

} // namespace snapfix::cli
