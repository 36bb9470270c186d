#pragma once

#include "guard/channel.hpp"
#include "guard/child.hpp"
#include "guard/server.hpp"

namespace snapfix::guard {

/// Asks for the guard that this process runs under; an empty Channel if there is none.
Channel knock();

/// The supervisor of a guarded command, which it starts and outlives: it ends when nobody is left
/// under the filter. To be called in a fresh process. `front` is told what becomes of the command;
/// when it dies before the command's end, the command and all that it started is killed.
[[noreturn]] void supervise(const Command& command, const Protection& protection, Channel front,
                            const BlockedSignals& signals);

} // namespace snapfix::guard
