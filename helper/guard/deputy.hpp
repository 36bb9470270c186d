#pragma once

#include "guard/listener.hpp"
#include "guard/reported_call.hpp"
#include "guard/verdict.hpp"

#include <atomic>

namespace snapfix::guard {

/// Does a call in the caller's place, on a file that is known: where the kernel, were it let go on,
/// would look at the name once more, and might find a shared file there by then.
///
/// The caller gets what the kernel would give it, and no more: by its own rights, through its own
/// mount, with all that the kernel has to say against it.
class Deputy {
public:
  /// `waits_killable`: signals do not interrupt calls that are looked at, so a descriptor that we
  /// give is not given in vain.
  Deputy(Listener& listener, bool waits_killable)
      : m_listener(listener), m_waits_killable(waits_killable) {}

  /// A process has taken rights from itself that we cannot see and still have (Landlock): from here
  /// on the kernel alone can say who may write.
  void rights_are_unknown() noexcept { m_knows_rights = false; }

  /// Whether we can do the call on a file that the kernel could be let go on to as well, and it
  /// makes no difference to the caller.
  bool may_replace_kernel(ReportedCall& call, const NamedFile& file) const;
  /// To be called where it is so; `let_go` where the kernel shall say itself what it has against
  /// it.
  Verdict replace_kernel(ReportedCall& call, const NamedFile& file) const;

  /// Does the call on our descriptor `file` (O_PATH), as the one that it names is a shared one.
  Verdict redirect(ReportedCall& call, int file) const;

private:
  Verdict open(ReportedCall& call, const Request& request, int file) const;

  Listener& m_listener;
  bool m_waits_killable;
  std::atomic<bool> m_knows_rights{true};
};

} // namespace snapfix::guard
