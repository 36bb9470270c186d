#pragma once

#include "cli/arguments.hpp"
#include "os/environment.hpp"
#include "snapshot/create.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/root.hpp"

#include <functional>
#include <string>
#include <vector>

namespace snapfix::cli {

// --uv-locked: the lock of a uv project or script is checked before a snapshot is made of a state,
// kept to while a command runs, and compared afterwards.

/// Adds --uv-locked and --uv.
void add_uv_options(Arguments& arguments);

/// The projects and scripts that --uv-locked names, relative to the source.
std::vector<std::string> uv_projects_from(const Arguments& arguments, const std::string& source);

/// Those that a snapshot was made with.
std::vector<std::string> uv_projects_of(const snapshot::SnapshotManifest& manifest);

/// Makes the snapshot as snapshot::create() does, once the locks of `wanted.tree.uv_locked` have
/// been found to fit their projects in the state that it is made of: by `uv lock --check` in a
/// scratch snapshot, once for each state, project, uv and environment that bears on it. Throws
/// os::Error where a lock is stale, and where nothing could be found out.
snapshot::Created create_checked(const Arguments& arguments, const snapshot::Root& root,
                                 snapshot::CreateOptions wanted, pid_t parent);

/// The check of a snapshot that stands, made of that base: nothing where `wanted` names no project,
/// or the locks are known to fit.
void check_locks(const Arguments& arguments, const snapshot::Root& root,
                 const snapshot::CreateOptions& wanted, const os::Hash& base, pid_t parent);

enum class Tell { no, yes };

/// Has every uv command under `environment` keep to the lock; says where uv then works outside the
/// snapshot.
void enforce_lock(os::Environment& environment, const std::string& snapshot,
                  const std::string& folder, Tell tell);

/// Throws os::Error where the command is one of uv with --no-locked. What a script calls is not
/// seen: print_changed_locks() tells what came of it.
void require_lock_kept(const std::vector<std::string>& command);

/// Prints which locks of the snapshot are not those that it was made with, with a short diff.
/// Whether there are any.
bool print_changed_locks(const snapshot::Root& root, const std::string& name);
bool print_changed_locks(const snapshot::Root& root, const std::string& name,
                         const snapshot::SnapshotManifest& manifest);

} // namespace snapfix::cli
