#pragma once

#include "guard/caller.hpp"
#include "guard/filter.hpp"

#include <linux/seccomp.h>

namespace snapfix::guard {

/// Does in our process what the caller asked for, on our descriptor `file` in place of the file
/// that it named: where the call itself would reach another one. Returns 0 or the errno.
int apply_call(Caller& caller, const seccomp_data& data, const Call& call, int file);

} // namespace snapfix::guard
