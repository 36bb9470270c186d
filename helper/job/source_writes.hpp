#pragma once

#include "snapshot/run_record.hpp"

#include <optional>
#include <string>
#include <vector>

namespace snapfix::job {

/// Says in a run's own output what the guard kept it from writing to the source, or let it write
/// there. The words are such that what looks for errors in a test's output does not find them.
void tell_source_writes(const snapshot::RunRecord& record, const std::string& source);

/// The same of a recorded run, in lines for `show`; none if there is nothing.
std::vector<std::string> source_lines(const snapshot::RunRecord& record);

/// What a snapshot's last run wrote to the source, as it was to be reported: a finding. Prints it
/// and returns it; nothing if there is nothing.
std::vector<snapshot::TouchedFile>
print_source_writes(const std::optional<snapshot::RunRecord>& run);

} // namespace snapfix::job
