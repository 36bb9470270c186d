#pragma once

#include "snapshot/run_record.hpp"

namespace snapfix::job {

/// Whether a task's end is the one that counts beside another's: failed comes before skipped, that
/// before passed, as the verdict has it.
bool is_worse(const snapshot::RunEnd& end, const snapshot::RunEnd& than,
              const snapshot::Verdict& verdict);

} // namespace snapfix::job
