#include "guard/command.hpp"

#include "guard/child.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

[[noreturn]] void start(const Command& command, pid_t parent, int report,
                        const BlockedSignals& signals) {
  // Whatever way we end, the command must not go on in a snapshot that nobody holds.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() == parent) {
    signals.restore();
    const int failed = become(command);
    [[maybe_unused]] const ssize_t written = ::write(report, &failed, sizeof failed);
  }
  ::_exit(EXIT_FAILURE);
}

/// The errno with which the command failed to start; nothing if it runs.
std::optional<int> start_failure(int report) {
  int failed = 0;
  ssize_t got = 0;
  do {
    got = ::read(report, &failed, sizeof failed);
  } while (got < 0 && errno == EINTR);
  return got == sizeof failed ? std::optional(failed) : std::nullopt;
}

int wait_for(pid_t command, pid_t parent, const BlockedSignals& signals) {
  for (;;) {
    const siginfo_t info = signals.wait();
    if (info.si_signo == SIGCHLD) {
      if (const auto change = reap(command)) {
        if (!change->stopped) {
          return change->status;
        }
        stop_as_the_command(command);
      }
    } else if (info.si_signo == parent_died_signal()) {
      if (::getppid() != parent) {
        os::kill_descendants();
        ::_exit(128 + SIGKILL);
      }
    } else if (is_for_the_command(info.si_signo, info.si_code <= 0 ? info.si_pid : 0)) {
      ::kill(command, info.si_signo);
    }
  }
}

} // namespace

CommandEnd run_command(const Command& command) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw os::Error("make a pipe", {}, errno);
  }
  const os::UniqueFd report_in(ends[0]);
  os::UniqueFd report_out(ends[1]);
  const BlockedSignals signals;
  tie_to_parent(command.parent);
  std::fflush(nullptr);
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw os::Error("start", {command.arguments[0]}, errno);
  }
  if (pid == 0) {
    start(command, self, report_out.get(), signals);
  }
  report_out.reset();
  ::signal(SIGPIPE, SIG_IGN); // our own words must not end us before the command's end is passed on
  if (const auto failed = start_failure(report_in.get())) {
    ::waitpid(pid, nullptr, 0);
    throw CannotStart{*failed, command.arguments[0]};
  }
  const int status = wait_for(pid, command.parent, signals);
  ::prctl(PR_SET_PDEATHSIG, 0);
  signals.drop_pending();
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
  ::kill(::getpid(), end.signal);
  ::_exit(128 + end.signal);
}

void abort_without_core() {
  end_as({0, SIGABRT, {}});
}

} // namespace snapfix::guard
