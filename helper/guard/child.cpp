#include "guard/child.hpp"

#include "os/error.hpp"
#include "os/process.hpp"
#include "os/subprocess.hpp"

#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

constexpr std::array k_forwarded{SIGHUP,  SIGINT,  SIGQUIT, SIGTERM,  SIGUSR1,
                                 SIGUSR2, SIGALRM, SIGCONT, SIGWINCH, SIGTSTP};

/// nohup and setsid are how one asks to outlive the parent.
bool is_meant_to_outlive_parent() {
  struct sigaction hangup {};
  ::sigaction(SIGHUP, nullptr, &hangup);
  return hangup.sa_handler == SIG_IGN || ::getsid(0) == ::getpid(); // NOLINT: a macro's cast
}

bool redirect(int output) {
  const int empty = ::open("/dev/null", O_RDONLY); // NOLINT(android-cloexec-open): for the command
  return empty >= 0 && ::dup2(empty, STDIN_FILENO) >= 0 && ::dup2(output, STDOUT_FILENO) >= 0 &&
         ::dup2(output, STDERR_FILENO) >= 0 && (empty <= STDERR_FILENO || ::close(empty) == 0);
}

/// Tells a process that its parent died. A signal that nobody sends by habit.
int parent_died_signal() {
  return SIGRTMIN + 7;
}

bool is_for_the_command(int signal, pid_t sender) {
  if (sender == 0) {
    return signal == SIGHUP && ::getsid(0) == ::getpid();
  }
  return !os::is_descendant(sender);
}

} // namespace

BlockedSignals::BlockedSignals() {
  ::sigemptyset(&m_set);
  for (const int signal : k_forwarded) {
    ::sigaddset(&m_set, signal);
  }
  ::sigaddset(&m_set, SIGCHLD);
  ::sigaddset(&m_set, parent_died_signal());
  ::sigprocmask(SIG_BLOCK, &m_set, &m_before);
}

std::optional<siginfo_t> BlockedSignals::wait(const Command& command) const {
  const timespec most{k_ask_seconds, 0};
  siginfo_t info{};
  const int got =
      command.is_wanted ? ::sigtimedwait(&m_set, &info, &most) : ::sigwaitinfo(&m_set, &info);
  return got < 0 ? std::nullopt : std::optional(info);
}

void BlockedSignals::command_has_ended(const Command& command) const {
  ::prctl(PR_SET_PDEATHSIG, 0);
  if (command.is_wanted) {
    for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
      ::signal(signal, SIG_IGN);
    }
  }
  const timespec now{};
  while (::sigtimedwait(&m_set, nullptr, &now) > 0) {
  }
}

void tie_to_parent(pid_t parent) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (!is_meant_to_outlive_parent()) {
    ::prctl(PR_SET_PDEATHSIG, parent_died_signal());
    if (::getppid() != parent) {
      throw os::Error("the process that started this run is gone");
    }
  }
}

SignalIs sort(int signal, pid_t sender, pid_t parent) {
  if (signal == SIGCHLD) {
    return SignalIs::of_a_child;
  }
  if (signal == parent_died_signal()) {
    return ::getppid() != parent ? SignalIs::parents_end : SignalIs::nothing;
  }
  return is_for_the_command(signal, sender) ? SignalIs::for_command : SignalIs::nothing;
}

StartPipe::StartPipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw os::Error("make a pipe", {}, errno);
  }
  m_in = os::UniqueFd(ends[0]);
  m_out = os::UniqueFd(ends[1]);
}

void StartPipe::fail(const StartFailure& failure) const {
  [[maybe_unused]] const ssize_t written = ::write(m_out.get(), &failure, sizeof failure);
  ::_exit(EXIT_FAILURE);
}

std::optional<StartFailure> StartPipe::wait() {
  m_out.reset();
  StartFailure failure;
  ssize_t got = 0;
  do {
    got = ::read(m_in.get(), &failure, sizeof failure);
  } while (got < 0 && errno == EINTR);
  m_in.reset();
  return got == static_cast<ssize_t>(sizeof failure) ? std::optional(failure) : std::nullopt;
}

int become(const Command& command) {
  os::unsettle_process();
  if (::chdir(command.folder.c_str()) != 0) {
    return errno;
  }
  if (command.output >= 0 && !redirect(command.output)) {
    return errno;
  }
  auto arguments = os::pointers_to(command.arguments);
  auto variables = os::pointers_to(command.environment.variables());
  // execvpe looks for the program in our own PATH, which is not yet the command's.
  if (const auto folders = command.environment.get("PATH")) {
    ::setenv("PATH", folders->c_str(), 1); // NOLINT(concurrency-mt-unsafe): a fresh process
  }
  ::execvpe(arguments[0], arguments.data(), variables.data());
  return errno;
}

std::optional<Change> reap(pid_t command) {
  std::optional<Change> out;
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG | WUNTRACED);
    if (pid < 0 && errno == EINTR) {
      continue;
    }
    if (pid <= 0) {
      return out;
    }
    if (pid == command) {
      out = Change{status, WIFSTOPPED(status)};
    }
  }
}

void stop_as_the_command(pid_t command) {
  constexpr useconds_t k_pause = 50'000;
  const pid_t front = ::getpid();
  const pid_t waker = ::fork();
  if (waker == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (::getppid() == front && os::is_stopped(command)) {
      ::usleep(k_pause);
    }
    ::kill(front, SIGCONT);
    ::_exit(EXIT_SUCCESS);
  }
  ::raise(SIGSTOP);
  if (waker > 0) {
    ::kill(waker, SIGKILL);
    ::waitpid(waker, nullptr, 0);
  }
  // If the command ended while we stood still, our group had stopped members and nobody to continue
  // them: the kernel sends such a group a hangup, which is not for us.
  sigset_t hangup{};
  ::sigemptyset(&hangup);
  ::sigaddset(&hangup, SIGHUP);
  const timespec now{};
  siginfo_t info{};
  if (::sigtimedwait(&hangup, &info, &now) == SIGHUP && info.si_code <= 0) {
    ::kill(command, SIGHUP); // that was somebody else's
  }
}

CommandEnd end_from(int status) {
  CommandEnd out;
  if (WIFSIGNALED(status)) {
    out.signal = WTERMSIG(status);
  } else {
    out.exit_code = WEXITSTATUS(status);
  }
  return out;
}

} // namespace snapfix::guard
