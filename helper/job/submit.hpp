#pragma once

#include "job/run.hpp"

#include <string>
#include <vector>

namespace snapfix::job {

/// Has the run done elsewhere: `launcher` starts the root's helper there, with a ticket. What is
/// frozen and checked by uv, and the pack, is done here. Waits for the launcher's end. Throws
/// guard::CannotStart of the launcher, os::Error also where the job left no result.
RunResult submit(const RunOptions& options, const std::vector<std::string>& launcher);

/// The job's side: does what the ticket of that name says, in the root whose helper we are, or the
/// one given. Throws os::Error where nobody waits for it any more. A run that fails says so, and
/// its exit code is in RunResult::told_failure.
RunResult take_up(const std::string& root, const std::string& ticket,
                  const std::function<int(const std::exception_ptr&)>& tell);

} // namespace snapfix::job
