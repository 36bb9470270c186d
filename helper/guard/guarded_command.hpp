#pragma once

#include "guard/command.hpp"
#include "guard/protection.hpp"
#include "guard/report.hpp"
#include "os/error.hpp"

#include <string>

namespace snapfix::guard {

/// This system cannot guard.
class NoGuard : public os::Error {
public:
  using os::Error::Error;
};

struct GuardedEnd {
  CommandEnd end;
  Report report;
};

/// As run_command(), but the first change in place of a protected file, by whatever the command
/// starts, makes that file private to the snapshot first.
///
/// Three processes: this one, which is who the caller started; a supervisor, which answers what the
/// filter reports, in a session of its own so that the terminal's signals pass it by, and
/// which goes on until the last process under the filter is gone; and the command, in our group.
/// The command is the supervisor's child: Yama (ptrace_scope 1) lets only ancestors look into a
/// process. In a guarded command there can be no second listener: there the outer guard serves.
///
/// Throws NoGuard before anything was run; CannotStart, os::Error.
GuardedEnd run_guarded(const Command& command, const Protection& protection);

/// What the guard found when it was tried: whether it works, and why not or with what.
struct GuardProbe {
  bool works = false;
  std::string detail;
};
GuardProbe probe_guard();

} // namespace snapfix::guard
