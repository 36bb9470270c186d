#include "guard/guarded_command.hpp"

#include "guard/channel.hpp"
#include "guard/child.hpp"
#include "guard/message_text.hpp"
#include "guard/supervisor.hpp"
#include "os/fd.hpp"
#include "os/format.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <optional>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

constexpr timespec k_patience{1, 0}; ///< with a supervisor that has nobody left to serve

/// Runs in a guarded command: our files are made known to the guard that is there.
GuardedEnd run_under(Channel guard, const Command& command, const Protection& protection) {
  guard.send(Message::Kind::protect, text_of(protection));
  if (!guard.receive()) {
    throw NoGuard("the guard that this runs under does not answer");
  }
  GuardedEnd out{run_command(command), {}};
  guard.send(Message::Kind::report);
  if (const auto message = guard.receive()) {
    out.report = report_from(message->text);
  }
  return out;
}

/// The process that the caller started: passes signals on and the command's end back.
class Front {
public:
  Front(const Command& command, const Protection& protection)
      : m_command(command), m_protection(protection) {}

  GuardedEnd run();

private:
  void start_supervisor();
  void hear();
  void hear_signal();
  void supervisor_died();
  [[noreturn]] void end_all();
  void pass_on(int signal);
  void wait_until_gone() const;
  void hear_orphan() const;

  const Command& m_command;
  const Protection& m_protection;
  BlockedSignals m_signals;
  os::UniqueFd m_signal_fd;
  Channel m_channel;
  pid_t m_supervisor = 0;
  pid_t m_pid = 0;         ///< the command
  bool m_orphaned = false; ///< the supervisor is gone before the command
  std::optional<GuardedEnd> m_end;
};

void Front::start_supervisor() {
  auto pair = Channel::make_pair();
  std::fflush(nullptr);
  m_supervisor = ::fork();
  if (m_supervisor < 0) {
    throw os::Error("start", {"the guard"}, errno);
  }
  if (m_supervisor == 0) {
    pair.ours.close();
    supervise(m_command, m_protection, std::move(pair.theirs), m_signals);
  }
  m_channel = std::move(pair.ours);
}

GuardedEnd Front::run() {
  tie_to_parent(m_command.parent); // a subreaper for what a killed supervisor leaves
  m_signal_fd = os::UniqueFd(::signalfd(-1, &m_signals.set(), SFD_CLOEXEC));
  if (!m_signal_fd) {
    throw os::Error("wait for signals", {}, errno);
  }
  start_supervisor();
  ::signal(SIGPIPE, SIG_IGN);
  while (!m_end) {
    std::array<pollfd, 2> waits{{{m_signal_fd.get(), POLLIN, 0}, {m_channel.fd(), POLLIN, 0}}};
    const int ready =
        ::poll(waits.data(), waits.size(), m_command.is_wanted ? k_ask_seconds * 1000 : -1);
    if (ready <= 0) {
      if (ready == 0 && !m_command.is_wanted()) {
        end_all();
      }
      continue;
    }
    if (waits[1].revents != 0) { // first: an end that is known is no lost supervisor
      hear();
    } else if (waits[0].revents != 0) {
      hear_signal();
    }
  }
  m_signals.command_has_ended(m_command);
  if (m_end->end.outlived.empty()) {
    wait_until_gone(); // it has nobody left to serve: no stray process for whoever looks next
  }
  return std::move(*m_end);
}

void Front::hear() {
  const auto message = m_channel.receive();
  if (!message) {
    supervisor_died();
    return;
  }
  switch (message->kind) {
  case Message::Kind::started:
    m_pid = std::stoi(message->text);
    break;
  case Message::Kind::cannot_start:
    ::waitpid(m_supervisor, nullptr, 0);
    throw CannotStart(m_command.arguments[0], std::stoi(message->text));
  case Message::Kind::no_guard:
    ::waitpid(m_supervisor, nullptr, 0);
    throw NoGuard(message->text);
  case Message::Kind::failed:
    ::waitpid(m_supervisor, nullptr, 0);
    throw os::Error("the guard cannot be started: " + message->text);
  case Message::Kind::stopped:
    stop_as_the_command(m_pid);
    break;
  case Message::Kind::ended:
    m_end = guarded_end_from(message->text);
    break;
  default:
    break;
  }
}

/// Its end has come without a word: it was killed. The files stay whole, since what would change
/// one fails now (ENOSYS), but the command's run is worth nothing.
void Front::supervisor_died() {
  m_channel.close();
  m_orphaned = true;
  ::waitpid(m_supervisor, nullptr, 0);
  LinkBreaker(m_protection.staging).clear(m_supervisor);
  if (m_pid == 0) {
    throw os::Error("the guard was killed before the command ran");
  }
  os::warn("the guard was killed: from here on the command's writes, and what it starts, fail");
  hear_orphan();
}

/// The command is our child now.
void Front::hear_orphan() const {
  const auto change = reap(m_pid);
  if ((change ? change->stopped : ::kill(m_pid, 0) == 0)) {
    return;
  }
  throw os::Error("the guard was killed while the command ran",
                  "the shared files are whole; look for who kills processes (a lack of memory?)");
}

void Front::hear_signal() {
  signalfd_siginfo info{};
  if (::read(m_signal_fd.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) {
    return;
  }
  const int signal = static_cast<int>(info.ssi_signo);
  const pid_t sender = info.ssi_code <= 0 ? static_cast<pid_t>(info.ssi_pid) : 0;
  switch (sort(signal, sender, m_command.parent)) {
  case SignalIs::of_a_child:
    if (m_orphaned) {
      hear_orphan();
    }
    break;
  case SignalIs::parents_end:
    end_all();
  case SignalIs::for_command:
    pass_on(signal);
    break;
  case SignalIs::nothing:
    break;
  }
}

void Front::end_all() {
  m_channel.close(); // the supervisor ends all that it has started, and clears up
  wait_until_gone();
  os::kill_descendants();
  ::_exit(128 + SIGKILL);
}

void Front::pass_on(int signal) {
  if (m_orphaned) {
    ::kill(m_pid, signal);
  } else {
    m_channel.send(Message::Kind::signal, os::format("{}", signal));
  }
}

void Front::wait_until_gone() const {
  sigset_t child_ended; // blocked, like all that we hear of
  ::sigemptyset(&child_ended);
  ::sigaddset(&child_ended, SIGCHLD);
  pid_t gone = 0;
  int status = 0;
  do {
    gone = ::waitpid(m_supervisor, &status, WNOHANG);
  } while (gone == 0 && ::sigtimedwait(&child_ended, nullptr, &k_patience) == SIGCHLD);
  if (gone > 0 && status != 0) { // it was killed, and has not cleared up
    LinkBreaker(m_protection.staging).clear(m_supervisor);
  }
}

} // namespace

GuardedEnd run_guarded(const Command& command, const Protection& protection) {
  if (Channel guard = knock(); guard) {
    return run_under(std::move(guard), command, protection);
  }
  if (!os::proc_is_ours()) {
    throw NoGuard("/proc is that of another pid namespace (unshare --mount-proc mounts ours)");
  }
  return Front(command, protection).run();
}

GuardProbe probe_guard() {
  if (knock()) {
    return {true, "this runs under a guard already"};
  }
  try {
    const Command command{{"/bin/true"}, {}, "/", ::getppid()};
    const auto end = run_guarded(command, {});
    return {true, end.report.kernel};
  } catch (const NoGuard& no) {
    return {false, no.what()};
  } catch (const CannotStart& failure) {
    return {false, failure.what()};
  }
}

} // namespace snapfix::guard
