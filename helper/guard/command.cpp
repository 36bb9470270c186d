#include "guard/command.hpp"

#include "guard/child.hpp"
#include "os/fd.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

[[noreturn]] void start(const Command& command, pid_t parent, const StartPipe& pipe,
                        const BlockedSignals& signals) {
  // Whatever way we end, the command must not go on in a snapshot that nobody holds.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(EXIT_FAILURE);
  }
  signals.restore();
  pipe.fail({StartFailure::Step::exec, become(command)});
}

[[noreturn]] void end_all() {
  os::kill_descendants();
  ::_exit(128 + SIGKILL);
}

int wait_for(pid_t pid, const Command& command, const BlockedSignals& signals) {
  for (;;) {
    const auto info = signals.wait(command);
    if (!info) {
      if (command.is_wanted && !command.is_wanted()) {
        end_all();
      }
      continue;
    }
    switch (sort(info->si_signo, info->si_code <= 0 ? info->si_pid : 0, command.parent)) {
    case SignalIs::of_a_child:
      if (const auto change = reap(pid)) {
        if (!change->stopped) {
          return change->status;
        }
        stop_as_the_command(pid);
      }
      break;
    case SignalIs::parents_end:
      end_all();
    case SignalIs::for_command:
      ::kill(pid, info->si_signo);
      break;
    case SignalIs::nothing:
      break;
    }
  }
}

} // namespace

CommandEnd run_command(const Command& command) {
  StartPipe pipe;
  const BlockedSignals signals;
  tie_to_parent(command.parent);
  std::fflush(nullptr);
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw os::Error("start", {command.arguments[0]}, errno);
  }
  if (pid == 0) {
    start(command, self, pipe, signals);
  }
  ::signal(SIGPIPE, SIG_IGN); // our own words must not end us before the command's end is passed on
  if (const auto failed = pipe.wait()) {
    ::waitpid(pid, nullptr, 0);
    throw CannotStart(command.arguments[0], failed->error_number);
  }
  const int status = wait_for(pid, command, signals);
  signals.command_has_ended(command);
  CommandEnd out = end_from(status);
  out.outlived = os::children_of_this_process();
  return out;
}

void end_as(const CommandEnd& end) {
  std::fflush(nullptr);
  if (end.signal == 0) {
    ::_exit(end.exit_code);
  }
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none); // the command has left its own core file, if any
  ::signal(end.signal, SIG_DFL);
  sigset_t set{};
  ::sigemptyset(&set);
  ::sigaddset(&set, end.signal);
  ::sigprocmask(SIG_UNBLOCK, &set, nullptr);
  ::raise(end.signal); // to this thread: it comes before we go on
  ::_exit(128 + end.signal);
}

void abort_without_core() {
  end_as({0, SIGABRT, {}});
}

} // namespace snapfix::guard
