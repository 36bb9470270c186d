#pragma once

#include "guard/listener.hpp"
#include "guard/reported_call.hpp"
#include "guard/verdict.hpp"

#include <functional>
#include <mutex>
#include <set>

namespace snapfix::guard {

/// Does a call in the caller's place, on a file that is known: where the kernel, were it let go on,
/// would look at the name once more, and might find a shared file there by then.
///
/// The caller gets what the kernel would give it, and no more: by its own rights, through its own
/// mount, with all that the kernel has to say against it.
class Deputy {
public:
  /// `command`: the process from which all callers come. `waits_killable`: signals do not interrupt
  /// calls that are looked at, so a descriptor that we give is not given in vain.
  Deputy(Listener& listener, pid_t command, bool waits_killable)
      : m_listener(listener), m_command(command), m_waits_killable(waits_killable) {}

  /// A thread takes rights from its process, as far as we can tell, and from all that this starts,
  /// which we cannot see and still have (Landlock): the kernel alone can say what they may.
  void loses_rights(pid_t thread);

  /// Whether we can do the call on a file that the kernel could be let go on to as well, and it
  /// makes no difference to the caller.
  bool may_replace_kernel(ReportedCall& call, const NamedFile& file) const;
  /// To be called where it is so; `let_go` where the kernel shall say itself what it has against
  /// it.
  Verdict replace_kernel(ReportedCall& call, const NamedFile& file) const;

  /// Does the call on our descriptor `file` (O_PATH), as the one that it names is a shared one.
  Verdict redirect(ReportedCall& call, int file) const;

private:
  bool knows_rights_of(pid_t thread) const;
  Verdict open(ReportedCall& call, const Request& request, int file) const;
  Verdict done(const ReportedCall& call, const std::function<int()>& prepared) const;

  Listener& m_listener;
  pid_t m_command;
  bool m_waits_killable;
  mutable std::mutex m_mutex;
  std::set<pid_t> m_restricted; ///< processes
};

} // namespace snapfix::guard
