#pragma once

#include "guard/protection.hpp"
#include "snapshot/root.hpp"
#include "snapshot/run_record.hpp"

#include <string>
#include <vector>

namespace snapfix::cli {

/// Says in a run's own output what the guard kept it from writing to the source, or let it write
/// there. The words are such that what looks for errors in a test's output does not find them.
void tell_source_writes(const snapshot::RunRecord& record, const std::string& source);

/// The same of a recorded run, in lines for `show`; none if there is nothing.
std::vector<std::string> source_lines(const snapshot::RunRecord& record);

/// What the snapshot's last run wrote to the source, as it was to be reported: a finding. Prints it
/// and returns it; nothing if there is nothing.
std::vector<snapshot::TouchedFile> print_source_writes(const snapshot::Root& root,
                                                       const std::string& name);

} // namespace snapfix::cli
