#pragma once

#include "job/finish.hpp"
#include "snapshot/freeze.hpp"
#include "snapshot/history.hpp"
#include "snapshot/snapshot.hpp"

#include <exception>
#include <optional>
#include <string>

namespace snapfix::job {

/// What is known of a run from its record alone: it was not finished yet.
snapshot::PastRun past_run_of(const std::string& name, const snapshot::RunRecord& run);

/// What its tree was, and when it was made or taken: gone with the snapshot.
struct TreeOfRun {
  snapshot::Ledger ledger;
  double made = 0; ///< seconds since 1970
};
std::optional<TreeOfRun> tree_of_run(const snapshot::Held& held);

/// Remembers a run that was finished. `failure`: why no command was run in it, or nothing. That it
/// cannot be remembered is a note.
void remember(const snapshot::Held& held, const snapshot::RunRecord& run,
              const std::optional<TreeOfRun>& tree, const Finishing& finishing,
              const std::string& failure);

/// The same of one that failed before it had a snapshot.
void remember_failure(const snapshot::Held& held, const snapshot::RunRecord& run,
                      const std::string& failure);

/// What the submitter of a job knows that the job did not: its pack, or why it left no result, or
/// one that does not count. `submitted` is the run as it was asked for; of one that has begun and
/// is not finished, its record gets the reason.
void remember_job(const snapshot::Root& root, const std::string& name,
                  const snapshot::RunRecord& submitted, const std::string& pack,
                  const std::string& failure);

/// What is said of a failure; empty if there is none.
std::string message_of(const std::exception_ptr& failure);

/// Remembers what a freeze of a ctest run took.
void remember_freeze(const snapshot::Root& root, const os::Hash& key,
                     const snapshot::Frozen& frozen);

} // namespace snapfix::job
