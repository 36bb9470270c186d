#pragma once

#include "guard/command.hpp"
#include "job/guarded_run.hpp"
#include "os/lock.hpp"

#include <string>

namespace snapfix::job {

struct EnterOptions {
  std::string name;
  std::string root;        ///< its path
  Guard guard = Guard::on; ///< or off
  os::Patience patience;
};

/// Runs the user's shell (SHELL, else /bin/sh) in a snapshot, under the lock of its name, as its
/// last run had it: in that folder and environment, but for what belongs to the terminal; without a
/// recorded run as a run would have it. The record of that run stays. Throws guard::CannotStart,
/// os::Error, also where there is no snapshot of that name, or no guard.
guard::CommandEnd enter(const EnterOptions& options);

} // namespace snapfix::job
