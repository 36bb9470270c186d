#pragma once

#include "guard/reported_call.hpp"

namespace snapfix::guard {

/// Whether the kernel, on its way through a call on that file, asks whether the file's mount may be
/// written to: on one that may only be read the call then fails with EROFS. Before that it says
/// what else is in the way, a lack of rights for instance, and of a call that writes nothing, or
/// not to a file system (a FIFO, a device), it never asks.
bool asks_to_write(ReportedCall& call, const NamedFile& file);

} // namespace snapfix::guard
