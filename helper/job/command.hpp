#pragma once

#include "guard/command.hpp"
#include "job/run.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/snapshot.hpp"

#include <string>
#include <string_view>

namespace snapfix::job {

/// The command as it runs in the snapshot: its words, environment and folder. Throws os::Error
/// where it cannot run there: the folder is missing, it undoes the lock that is held, or it is a
/// script of the source that the snapshot lacks, since git does not track it.
guard::Command command_in(const snapshot::Snapshot& snapshot, const RunOptions& options);

/// Fills in a placeholder, `from`.
void replace_all(std::string& text, std::string_view from, const std::string& to);

/// The folder of a recorded run, relative to the snapshot; empty for its top.
std::string folder_in(const snapshot::Snapshot& snapshot, const snapshot::RunRecord& run);

} // namespace snapfix::job
