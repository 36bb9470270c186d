#pragma once

#include "os/file.hpp"
#include "os/process.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/root.hpp"

#include <optional>
#include <vector>

namespace snapfix::snapshot {

// Which base the tests of one ctest run go by: its freeze test records it under ctest itself (the
// parent's machine, pid and start time), and the other tests of that run, whose parent is the same
// ctest, find it there. No other run can find it, so no test gets an older run's state.

/// The base that a ctest run goes by.
struct FrozenRecord {
  os::ProcessId run;
  os::Hash base;
};

/// Records the base for the processes that our parent starts.
void record_frozen(const Root& root, const os::Hash& key, const os::Hash& base);

/// What our parent's run recorded for that key.
std::optional<os::Hash> find_frozen(const Root& root, const os::Hash& key);

/// All bases that our parent's run goes by. Throws os::Error if one is lost.
std::vector<Base> bases_of_run(const Root& root);

/// The bases that living runs go by. Records of runs that are over are removed.
std::vector<os::Hash> bases_in_use_by_runs(const Root& root);

} // namespace snapfix::snapshot
