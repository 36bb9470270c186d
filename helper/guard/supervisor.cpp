#include "guard/supervisor.hpp"

#include "guard/message_text.hpp"
#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/format.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <optional>
#include <vector>

#include <fcntl.h>
#include <linux/openat2.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

constexpr int k_look_ms = 200; ///< between looks whether whoever answers is stuck

std::string explain(const StartFailure& failure) {
  const std::string reason = std::strerror(failure.error_number); // NOLINT(concurrency-mt-unsafe)
  if (failure.step == StartFailure::Step::test) {
    return os::format("the kernel takes the seccomp filter, but its calls cannot be answered ({})",
                      reason);
  }
  switch (failure.error_number) {
  case EBUSY:
    return "another program listens to this process by seccomp already";
  case EINVAL:
  case ENOSYS:
    return os::format("the kernel has no seccomp user notification ({}); Linux 5.9 has", reason);
  default:
    return os::format("the seccomp filter cannot be installed: {}", reason);
  }
}

/// One call of each kind of answer, before anything depends on them: the caller's memory is read,
/// a descriptor given, the kernel told to go on.
int try_guard() {
  if (!knock()) {
    return errno;
  }
  const os::UniqueFd opened(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  return opened ? 0 : errno;
}

/// In the command's process.
[[noreturn]] void start(const Command& command, const Channel& supervisor, const StartPipe& pipe,
                        const BlockedSignals& signals) {
  StartFailure failure{StartFailure::Step::test, 0};
  try {
    const Installed installed = install_filter();
    const std::string kernel = os::format("{}{}", installed.wait_killable ? "k" : "-",
                                          installed.no_new_privileges ? "n" : "-");
    const bool is_told = supervisor.send_descriptor(installed.listener.get()) &&
                         supervisor.send(Message::Kind::report, kernel);
    failure.error_number = is_told ? 0 : EPIPE;
  } catch (const os::Error& error) {
    failure = {StartFailure::Step::filter, error.error_number()};
  }
  if (failure.error_number == 0) {
    failure.error_number = try_guard();
  }
  if (failure.error_number == 0) {
    signals.restore();
    failure = {StartFailure::Step::exec, become(command)};
  }
  pipe.fail(failure);
}

/// Keeps nothing of the caller's open: neither its pipes, which end only when their last holder
/// does, nor its locks.
void let_go_of_descriptors(std::initializer_list<int> keep) {
  std::vector<int> kept(keep);
  const int nothing = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    // A caller may have closed one of them, and then one of ours has its number.
    if (std::ranges::find(kept, fd) == kept.end() && fd != nothing) {
      ::dup2(nothing, fd);
    }
    kept.push_back(fd);
  }
  unsigned first = 0;
  std::ranges::sort(kept);
  for (const int fd : kept) {
    if (static_cast<unsigned>(fd) < first) {
      continue; // twice in the list
    }
    if (static_cast<unsigned>(fd) > first) {
      ::syscall(SYS_close_range, first, static_cast<unsigned>(fd) - 1, 0);
    }
    first = static_cast<unsigned>(fd) + 1;
  }
  ::syscall(SYS_close_range, first, ~0U, 0);
}

/// The command's limits are not for us, who serve all its processes; but hard ones bind who is not
/// root.
void lift_limits() {
  for (const auto resource : {RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_AS, RLIMIT_DATA, RLIMIT_NOFILE}) {
    rlimit limit{};
    if (::getrlimit(resource, &limit) != 0) {
      continue;
    }
    const rlimit none{RLIM_INFINITY, RLIM_INFINITY};
    if (resource == RLIMIT_NOFILE || ::setrlimit(resource, &none) != 0) {
      limit.rlim_cur = limit.rlim_max;
      ::setrlimit(resource, &limit);
    }
  }
}

class Supervisor {
public:
  Supervisor(const Command& command, const Protection& protection, Channel front,
             const BlockedSignals& signals)
      : m_command(command), m_protection(protection), m_front(std::move(front)),
        m_signals(signals) {}

  [[noreturn]] void run();
  /// Tells the front what is in the way; the command, if it is there, has not begun.
  [[noreturn]] void fail(const std::string& why) const;

private:
  void start_command();
  void start_serving();
  void loop();
  void hear_front();
  void hear_children();
  void tell_end(int status);
  std::string describe_kernel() const;
  [[noreturn]] void finish() const;

  const Command& m_command;
  const Protection& m_protection;
  Channel m_front;
  const BlockedSignals& m_signals;
  os::UniqueFd m_child_signals;
  std::optional<StartPipe> m_start;
  Channel m_child;
  pid_t m_pid = 0;
  bool m_started = false;
  bool m_ended = false;
  std::string m_kernel;
  // The threads that serve use these until the process ends.
  std::optional<Listener> m_listener;
  std::optional<Server> m_server;
};

void Supervisor::run() {
  ::prctl(PR_SET_NAME, "snapfix-guard");
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  sigset_t all{};
  ::sigfillset(&all);
  sigset_t child{};
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  m_child_signals = os::UniqueFd(::signalfd(-1, &child, SFD_CLOEXEC));
  if (!m_child_signals) {
    throw os::Error("wait for signals", {}, errno);
  }
  start_command();
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  // A session of its own, not only a process group: the terminal's signals pass it by, and the
  // command's group (ctest is in it, too) does not hang on it. When the parent of a stopped process
  // ends that was the last tie of its group to the session, the kernel sends the whole group a
  // hangup.
  ::setsid();
  ::umask(0); // the copies get the modes of their files
  lift_limits();
  ::chdir("/"); // NOLINT(bugprone-unused-return-value): else it keeps a file system busy, no more
  let_go_of_descriptors({m_front.fd(), m_child_signals.get(), m_start->fd(), m_child.fd()});
  start_serving();
  if (const auto failure = m_start->wait()) {
    if (failure->step == StartFailure::Step::exec) {
      m_front.send(Message::Kind::cannot_start, os::format("{}", failure->error_number));
    } else {
      m_front.send(Message::Kind::no_guard, explain(*failure));
    }
    finish();
  }
  m_started = true;
  m_front.send(Message::Kind::started, os::format("{}", m_pid));
  loop();
  finish();
}

void Supervisor::start_command() {
  auto pair = Channel::make_pair();
  m_start.emplace();
  m_pid = ::fork();
  if (m_pid < 0) {
    throw os::Error("start", {m_command.arguments[0]}, errno);
  }
  if (m_pid == 0) {
    m_front.close();
    pair.ours.close();
    start(m_command, pair.theirs, *m_start, m_signals);
  }
  m_start->leave_to_child();
  m_child = std::move(pair.ours);
}

void Supervisor::start_serving() {
  os::UniqueFd fd = m_child.receive_descriptor();
  if (!fd && errno != 0) { // the command waits for an answer
    throw os::Error("take over the seccomp listener", {}, errno);
  }
  if (!fd) {
    return; // no filter: the report says why
  }
  if (const auto message = m_child.receive()) {
    m_kernel = message->text;
  }
  m_child.close();
  m_listener.emplace(std::move(fd));
  m_server.emplace(*m_listener, m_protection, m_pid, m_kernel.starts_with('k'));
  m_server->start();
}

void Supervisor::loop() {
  hear_children();
  for (;;) {
    std::array<pollfd, 3> waits{{{m_child_signals.get(), POLLIN, 0},
                                 {m_front.fd(), POLLIN, 0},
                                 {m_listener->fd(), 0, 0}}}; // only whether it hangs up
    if (::poll(waits.data(), waits.size(), k_look_ms) < 0) {
      continue;
    }
    m_server->help_if_stuck();
    if (waits[0].revents != 0) {
      signalfd_siginfo info{};
      [[maybe_unused]] const ssize_t got = ::read(m_child_signals.get(), &info, sizeof info);
      hear_children();
    }
    if (waits[1].revents != 0) {
      hear_front();
    }
    if ((waits[2].revents & POLLHUP) != 0 && m_ended) {
      return;
    }
  }
}

void Supervisor::hear_front() {
  const auto message = m_front.receive();
  if (message && message->kind == Message::Kind::signal) {
    if (!m_ended) {
      ::kill(m_pid, std::stoi(message->text));
    }
    return;
  }
  m_front.close();
  if (!message && !m_ended) { // it was killed: nobody holds the snapshot any more
    os::kill_descendants();
    finish();
  }
}

void Supervisor::hear_children() {
  const auto change = reap(m_pid);
  if (!change || m_ended) {
    return;
  }
  if (change->stopped) {
    m_front.send(Message::Kind::stopped);
  } else {
    tell_end(change->status);
  }
}

void Supervisor::tell_end(int status) {
  m_ended = true;
  GuardedEnd guarded{end_from(status), m_server->report()};
  guarded.end.outlived = os::children_of_this_process();
  guarded.report.kernel = describe_kernel();
  m_front.send(Message::Kind::ended, text_of(guarded));
}

/// What makes it quick or slow, and what it takes from the command.
std::string Supervisor::describe_kernel() const {
  std::string out = "copies shared files on write";
  if (!m_listener->is_synchronous()) {
    out += "; several times slower, without Linux 6.6's synchronous wake-up";
  }
  if (!m_kernel.starts_with('k')) {
    out += "; signals may interrupt the calls it looks at (before Linux 5.19)";
  }
  if (m_kernel.ends_with('n')) {
    out += "; no_new_privs is set: sudo does not work inside";
  }
  return out;
}

void Supervisor::fail(const std::string& why) const {
  if (m_started) {
    ::_exit(EXIT_FAILURE); // the front sees us gone
  }
  if (m_pid > 0) {
    ::kill(m_pid, SIGKILL);
    ::waitpid(m_pid, nullptr, 0);
  }
  m_front.send(Message::Kind::failed, why);
  finish();
}

void Supervisor::finish() const {
  if (m_server) {
    m_server->clear_staging();
  }
  ::_exit(EXIT_SUCCESS);
}

} // namespace

Channel knock() {
  open_how how{};
  how.flags = O_RDONLY | O_CLOEXEC;
  return Channel(
      os::UniqueFd(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, k_door, &how, sizeof how))));
}

void supervise(const Command& command, const Protection& protection, Channel front,
               const BlockedSignals& signals) {
  Supervisor supervisor(command, protection, std::move(front), signals);
  try {
    supervisor.run();
  } catch (const std::exception& error) { // no process, descriptor or memory was to be had
    supervisor.fail(error.what());
  }
}

} // namespace snapfix::guard
