#pragma once

#include "guard/reported_call.hpp"

namespace snapfix::guard {

/// Does in our process what the caller asked for, on our descriptor `file` (O_PATH) in place of the
/// file that it named: where the call itself would, or might, reach another one. Returns 0 or the
/// errno.
int apply_call(ReportedCall& call, int file);

/// Whether apply_call() knows all that the kernel does for a call of that kind.
bool can_apply(ReportedCall& call);

} // namespace snapfix::guard
