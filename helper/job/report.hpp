#pragma once

#include "snapshot/create.hpp"
#include "snapshot/freeze.hpp"
#include "snapshot/ledger.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/verify.hpp"

#include <string>
#include <vector>

namespace snapfix::job {

/// What the record of a run tells of its guard, a line a file that became private.
std::vector<std::string> guard_lines(const snapshot::GuardRecord& guard);

/// `<CTestMeasurement ...>` on stdout, which ctest puts into Test.xml, where it writes that. On no
/// line of its own: ctest would leave an empty one in its place.
void print_measurement(const std::string& name, double value);
void print_measurements(const snapshot::Ledger& ledger);
void print_measurements(const snapshot::Frozen& frozen);
void print_measurements(const snapshot::Verified& verified);

/// Names a file to ctest and to GitLab, which attach it to a test's report.
void print_attachment(const std::string& path);

/// What the user should know of a freeze or a new snapshot, on stderr.
void print_notes(const snapshot::Frozen& frozen);
void print_notes(const snapshot::Created& created);

/// The findings on stderr, each with its suspects.
void print_findings(const snapshot::Verified& verified);

/// What could not be removed, on stderr.
void print_left(const std::vector<std::string>& left);

} // namespace snapfix::job
