#pragma once

#include "guard/command.hpp"
#include "os/fd.hpp"

#include <csignal>
#include <optional>

#include <sys/types.h>

namespace snapfix::guard {

// What those who start a command share, guarded or not.

/// The signals that we wait for, blocked while this lives: those that are passed on to the command,
/// SIGCHLD, and the one that tells that our parent died.
class BlockedSignals {
public:
  BlockedSignals();
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;
  ~BlockedSignals() { restore(); }

  const sigset_t& set() const noexcept { return m_set; }
  void restore() const { ::sigprocmask(SIG_SETMASK, &m_before, nullptr); }
  /// Waits for one, for a command that may be unwanted not for ever; nothing if none came.
  std::optional<siginfo_t> wait(const Command& command) const;
  /// To be called when the command has ended: our parent's death is no longer of interest, and what
  /// came until now was for the command. A terminal interrupts us along with it; unblocked, that
  /// would hide the command's end. Who ends a job tells all its processes, one after another: from
  /// now on a job ends only when all is told.
  void command_has_ended(const Command& command) const;

private:
  sigset_t m_set{};
  sigset_t m_before{};
};

/// Makes us the subreaper of what we start, and has us told by a signal (sort()) when `parent`
/// dies, unless we were started to outlive it (nohup, setsid). Throws os::Error if it is gone
/// already.
void tie_to_parent(pid_t parent);

/// What a signal that we got is about.
enum class SignalIs {
  of_a_child,  ///< one has changed: reap() tells
  parents_end, ///< `parent` has died
  for_command, ///< to be passed on: a process sent it to us. The terminal's own reach the command
               ///< by themselves, but for the hangup that only its session's leader gets; and what
               ///< the command sends to its group has reached it
  nothing
};
/// `sender`: 0 if the kernel sent it.
SignalIs sort(int signal, pid_t sender, pid_t parent);

/// Why a command did not begin.
struct StartFailure {
  enum class Step { filter, test, exec } step = Step::exec;
  int error_number = 0;
};

/// Tells who starts a command whether it has begun: a pipe that exec(3) closes.
class StartPipe {
public:
  /// Throws os::Error.
  StartPipe();
  /// In the command's process.
  [[noreturn]] void fail(const StartFailure& failure) const;
  /// In the other one, after the fork.
  void leave_to_child() { m_out.reset(); }
  /// Waits; nothing if the command has begun. Afterwards the pipe is closed.
  std::optional<StartFailure> wait();
  int fd() const noexcept { return m_in.get(); }

private:
  os::UniqueFd m_in;
  os::UniqueFd m_out;
};

/// Becomes the command; returns the errno where that fails.
int become(const Command& command);

/// How a child changed: it ended, or it was stopped.
struct Change {
  int status = 0;
  bool stopped = false;
};

/// Reaps all that ended; what happened to `command` if something did. A subreaper gets other
/// processes' orphans as well.
std::optional<Change> reap(pid_t command);

/// Stops this process as its command was stopped, so that a shell sees it. Returns when continued,
/// or when the command goes on or ends without us.
void stop_as_the_command(pid_t command);

/// How often Command::is_wanted is asked.
constexpr int k_ask_seconds = 1;

/// The end that waitpid(2) tells.
CommandEnd end_from(int status);

} // namespace snapfix::guard
