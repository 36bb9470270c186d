#include "guard/call_request.hpp"
#include "guard/copy_on_write.hpp"

#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

// The opens that are done in the caller's place.

namespace snapfix::guard {
namespace {

constexpr mode_t k_any_may_run = S_IXUSR | S_IXGRP | S_IXOTH;

} // namespace

/// The call may reach this file. Were the kernel to look at its name once more, another process
/// might have put a shared file there: so what the caller opens on the snapshot's file system it
/// gets from us.
CopyOnWrite::Verdict CopyOnWrite::let_go(Caller& caller, const seccomp_notif& notification,
                                         const Call& call, const NamedFile& file) {
  if (file.is_descriptor || !m_trees.lie_beside(file) ||
      !may_open_for(caller, notification, call)) {
    return {};
  }
  const auto verdict = open_for(caller, notification, call, file.file.get(), Rights::ours);
  // What the kernel has to say against it, it shall say itself.
  return verdict.kind == Verdict::Kind::fail ? Verdict{} : verdict;
}

/// Whether we can do the open(2) in the caller's place, which must make no difference to it. Not
/// openat2(2): only the kernel knows all that it refuses.
bool CopyOnWrite::may_open_for(const Caller& caller, const seccomp_notif& notification,
                               const Call& call) const {
  return is_open(call) && call.action != Action::open_how && m_may_open &&
         !is_x32(notification.data) && caller.has_our_rights();
}

/// Opens the file for the caller, as it asked for.
CopyOnWrite::Verdict CopyOnWrite::open_for(Caller& caller, const seccomp_notif& notification,
                                           const Call& call, int file, Rights rights) {
  const auto request = request_of(caller, notification.data, call);
  if (!request) {
    return {Verdict::Kind::fail, caller.error()};
  }
  const int flags = static_cast<int>(request->flags);
  std::optional<OtherIds> as_caller;
  if (rights == Rights::callers) {
    as_caller.emplace(caller.thread(), OtherIds::Which::files);
  }
  os::UniqueFd opened(::open(os::path_of_descriptor(file).c_str(),
                             (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW | O_TRUNC)) | O_CLOEXEC));
  if (!opened) {
    return {Verdict::Kind::fail, errno};
  }
  const bool close_on_exec = (flags & O_CLOEXEC) != 0;
  const auto truncate = [&] {
    if ((flags & O_TRUNC) != 0 && ::ftruncate(opened.get(), 0) != 0) {
      ::truncate(os::path_of_descriptor(opened.get()).c_str(), 0); // O_RDONLY | O_TRUNC
    }
  };
  struct stat stat {};
  const bool known = ::fstat(opened.get(), &stat) == 0;
  const bool loses_data = (flags & O_TRUNC) != 0 && (!known || stat.st_size > 0);
  // The caller may close its descriptor at once, and run the file: then ours must be closed, or the
  // file is busy. One that is no program needs a chmod first: that call, too, comes to us, in its
  // turn.
  const bool may_be_run = !known || (stat.st_mode & k_any_may_run) != 0;
  if (!loses_data && answers_in_turn && !may_be_run) {
    truncate(); // for the times
    const int number =
        m_listener.answer_with_descriptor(notification.id, opened.get(), close_on_exec);
    return number < 0 ? Verdict{Verdict::Kind::fail, -number} : Verdict{Verdict::Kind::done};
  }
  // Truncated only when the caller has its descriptor: a call that fails must change nothing.
  const int number = m_listener.give_descriptor(notification.id, opened.get(), close_on_exec);
  if (number < 0) {
    return {Verdict::Kind::fail, -number};
  }
  truncate();
  opened.reset();
  m_listener.answer(notification.id, number, 0);
  return {Verdict::Kind::done};
}

} // namespace snapfix::guard
