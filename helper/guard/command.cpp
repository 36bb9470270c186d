#include "guard/command.hpp"

#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/subprocess.hpp"

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

constexpr std::array k_forwarded{SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
                                 SIGUSR2, SIGALRM, SIGCONT, SIGWINCH};

/// Tells us that our parent died. A signal that nobody sends by habit.
int parent_died_signal() {
  return SIGRTMIN + 7;
}

/// The signals that we wait for, blocked while this lives.
class BlockedSignals {
public:
  BlockedSignals() {
    ::sigemptyset(&m_set);
    for (const int signal : k_forwarded) {
      ::sigaddset(&m_set, signal);
    }
    ::sigaddset(&m_set, SIGCHLD);
    ::sigaddset(&m_set, parent_died_signal());
    ::sigprocmask(SIG_BLOCK, &m_set, &m_before);
  }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { restore(); }

  void restore() const { ::sigprocmask(SIG_SETMASK, &m_before, nullptr); }
  siginfo_t wait() const {
    siginfo_t info{};
    while (::sigwaitinfo(&m_set, &info) < 0) {
    }
    return info;
  }

private:
  sigset_t m_set{};
  sigset_t m_before{};
};

/// nohup and setsid are how one asks to outlive the parent.
bool is_meant_to_outlive_parent() {
  struct sigaction hangup {};
  ::sigaction(SIGHUP, nullptr, &hangup);
  return hangup.sa_handler == SIG_IGN || ::getsid(0) == ::getpid(); // NOLINT: a macro's cast
}

[[noreturn]] void become(const Command& command, pid_t parent, int report,
                         const BlockedSignals& signals) {
  // Whatever way we end, the command must not go on in a snapshot that nobody holds.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  int failed = 0;
  if (::getppid() != parent) {
    ::_exit(EXIT_FAILURE);
  }
  os::restore_open_file_limit();
  signals.restore();
  if (::chdir(command.folder.c_str()) != 0) {
    failed = errno;
  } else {
    auto arguments = os::pointers_to(command.arguments);
    auto variables = os::pointers_to(command.environment);
    // execvpe looks for the program in our own PATH, which is not yet the command's.
    for (const auto& variable : command.environment) {
      if (variable.starts_with("PATH=")) {
        ::setenv("PATH", &variable[5], 1); // NOLINT(concurrency-mt-unsafe): a fresh process
      }
    }
    ::execvpe(arguments[0], arguments.data(), variables.data());
    failed = errno;
  }
  [[maybe_unused]] const ssize_t written = ::write(report, &failed, sizeof failed);
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

/// Reaps all that ended; the status of `command` if it is among them. As a subreaper we get other
/// processes' orphans as well.
std::optional<int> reap(pid_t command) {
  std::optional<int> out;
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) {
      return out;
    }
    if (pid == command) {
      out = status;
    }
  }
}

/// A terminal that goes tells only the leader of its session.
bool is_hangup_of_ours(int signal) {
  return signal == SIGHUP && ::getsid(0) == ::getpid();
}

int wait_for(pid_t command, pid_t parent, const BlockedSignals& signals) {
  for (;;) {
    const siginfo_t info = signals.wait();
    if (info.si_signo == SIGCHLD) {
      if (const auto status = reap(command)) {
        return *status;
      }
    } else if (info.si_signo == parent_died_signal()) {
      if (::getppid() != parent) {
        os::kill_descendants();
        ::_exit(128 + SIGKILL);
      }
    } else if (info.si_code <= 0 || is_hangup_of_ours(info.si_signo)) {
      // Sent by a process; the terminal's own signals reach the whole group by themselves.
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
  ::signal(SIGCHLD, SIG_DFL); // where it is ignored, ended children leave no status
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (!is_meant_to_outlive_parent()) {
    ::prctl(PR_SET_PDEATHSIG, parent_died_signal());
    if (::getppid() != command.parent) {
      throw os::Error("the process that started this run is gone");
    }
  }
  std::fflush(nullptr);
  const pid_t self = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    throw os::Error("start", {command.arguments[0]}, errno);
  }
  if (pid == 0) {
    become(command, self, report_out.get(), signals);
  }
  report_out.reset();
  ::signal(SIGPIPE, SIG_IGN); // our own words must not end us before the command's end is passed on
  if (const auto failed = start_failure(report_in.get())) {
    ::waitpid(pid, nullptr, 0);
    throw CannotStart{*failed, command.arguments[0]};
  }
  const int status = wait_for(pid, command.parent, signals);
  ::prctl(PR_SET_PDEATHSIG, 0);
  CommandEnd out;
  if (WIFSIGNALED(status)) {
    out.signal = WTERMSIG(status);
  } else {
    out.exit_code = WEXITSTATUS(status);
  }
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
