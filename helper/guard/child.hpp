#pragma once

#include "guard/command.hpp"

#include <csignal>
#include <optional>

#include <sys/types.h>

namespace snapfix::guard {

// What those who start a command share, guarded or not.

/// Tells a process that its parent died. A signal that nobody sends by habit.
int parent_died_signal();

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
  siginfo_t wait() const;
  /// The command has ended. What came until now was for it, and is not to reach us: a terminal
  /// interrupts us along with the command; unblocked, that would hide the command's end.
  void drop_pending() const;

private:
  sigset_t m_set{};
  sigset_t m_before{};
};

/// Makes us the subreaper of what we start, and has parent_died_signal() sent to us when `parent`
/// dies, unless we were started to outlive it (nohup, setsid). Throws os::Error if it is gone
/// already.
void tie_to_parent(pid_t parent);

/// Whether a signal that we got is to be passed on: a process sent it to us. The terminal's own
/// reach the command by themselves, but for the hangup that only its session's leader gets; and
/// what the command sends to its group has reached it. `sender`: 0 if the kernel sent it.
bool is_for_the_command(int signal, pid_t sender);

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

/// The end that waitpid(2) tells.
CommandEnd end_from(int status);

} // namespace snapfix::guard
