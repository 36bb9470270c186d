#pragma once

#include "job/lock_check.hpp"
#include "os/environment.hpp"
#include "snapshot/create.hpp"
#include "snapshot/snapshot.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace snapfix::job {

// --uv-locked: the lock of a uv project or script is checked before a snapshot is made of a state,
// kept to while a command runs, and compared afterwards.

/// The projects and scripts that a snapshot was made with.
const std::vector<std::string>& uv_projects_of(const snapshot::Snapshot& snapshot);

/// As snapshot::choose_base(), once the locks of `wanted.tree.uv_locked` have been found to fit
/// their projects in that state: by `uv lock --check` in a scratch snapshot, once for each state,
/// project, uv and environment that bears on it. Throws os::Error where a lock is stale, and where
/// nothing could be found out.
snapshot::ChosenBase choose_checked_base(const snapshot::Root& root,
                                         const snapshot::CreateOptions& wanted,
                                         const LockOptions& options);

/// Makes the snapshot of a base that is chosen so.
snapshot::Created create_checked(snapshot::Held& held, const snapshot::CreateOptions& wanted,
                                 const LockOptions& options);

/// The check of a snapshot that stands: nothing where `wanted` names no project, or the locks are
/// known to fit.
void check_locks(const snapshot::Snapshot& snapshot, const snapshot::CreateOptions& wanted,
                 const LockOptions& options);

enum class Tell : std::uint8_t { no, yes };

/// Has every uv command under `environment` keep to the lock; says where uv then works outside the
/// snapshot.
void enforce_lock(os::Environment& environment, const std::string& snapshot,
                  const std::string& folder, Tell tell);

/// Throws os::Error where the command is one of uv with --no-locked. What a script calls is not
/// seen: print_changed_locks() tells what came of it.
void require_lock_kept(const std::vector<std::string>& command);

/// Prints which locks of the snapshot are not those that it was made with, with a short diff.
/// Whether there are any.
bool print_changed_locks(const snapshot::Snapshot& snapshot);
bool print_changed_locks(const snapshot::Held& held);

} // namespace snapfix::job
