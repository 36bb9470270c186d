#pragma once

#include "guard/reported_call.hpp"
#include "guard/result.hpp"

#include <array>
#include <ctime>
#include <functional>

namespace snapfix::guard {

/// Does in our process what a caller asked for; as a system call returns and sets errno.
using Prepared = std::function<int()>;

/// Reads all that is to be known of the call, to be done on our descriptor `file` (O_PATH, to be
/// kept open until then) in place of the file that it names: where the call itself would, or might,
/// reach another one.
Result<Prepared> prepare_call(const ReportedCall& call, int file);

/// The times that a call of Action::times sets: of access, of modification.
Result<std::array<timespec, 2>> times_of(const ReportedCall& call);

/// Whether prepare_call() knows all that the kernel does for a call of that kind.
bool can_prepare(ReportedCall& call);

} // namespace snapfix::guard
