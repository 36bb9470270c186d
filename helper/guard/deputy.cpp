#include "guard/deputy.hpp"

#include "guard/prepare_call.hpp"
#include "guard/rights.hpp"
#include "os/process.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

// What the kernel sets for 64-bit programs that call open(2); glibc's O_LARGEFILE is 0 for them.
#if defined(__aarch64__)
constexpr std::uint64_t k_large_file = 0400000;
#else
constexpr std::uint64_t k_large_file = 0100000;
#endif

/// With these an open of a file that is there means to us what it means to the caller.
constexpr std::uint64_t k_plain_flags = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC |
                                        O_NONBLOCK | O_NOCTTY | O_SYNC | O_DSYNC | k_large_file;

/// All that openat2(2) takes; open(2) ignores what else there is.
constexpr std::uint64_t k_known_flags =
    k_plain_flags | O_ASYNC | O_DIRECT | O_DIRECTORY | O_NOATIME | O_NOFOLLOW | O_PATH;

os::UniqueFd reopen(int file, std::uint64_t flags) {
  open_how how{};
  how.flags = flags & k_known_flags;
  return os::UniqueFd(static_cast<int>(
      ::syscall(SYS_openat2, AT_FDCWD, os::path_of_descriptor(file).c_str(), &how, sizeof how)));
}

/// A file that may not be truncated at will, chattr(1) +a and +i.
bool has_frozen_content(int file) {
  constexpr std::uint64_t k_frozen = STATX_ATTR_APPEND | STATX_ATTR_IMMUTABLE;
  struct statx stat {};
  return ::statx(file, "", AT_EMPTY_PATH, 0, &stat) != 0 || (stat.stx_attributes & k_frozen) != 0;
}

} // namespace

void Deputy::loses_rights(pid_t thread) {
  const std::lock_guard lock(m_mutex);
  m_restricted.insert(os::process_of(thread).value_or(thread));
}

/// Whether neither the thread's process nor one that it comes from has taken rights from itself.
bool Deputy::knows_rights_of(pid_t thread) const {
  const std::lock_guard lock(m_mutex);
  if (m_restricted.empty()) {
    return true;
  }
  for (pid_t process = os::process_of(thread).value_or(0); !m_restricted.contains(process);) {
    if (process == m_command || process == 0 || process == ::getpid()) {
      return process == m_command; // else its parent is gone: who knows whose child it was
    }
    process = os::parent_of(process).value_or(0);
  }
  return false;
}

bool Deputy::may_replace_kernel(ReportedCall& call, const NamedFile& file) const {
  const pid_t caller = call.caller().thread();
  if (!m_waits_killable || call.is_by_x32() || !knows_rights_of(caller)) {
    return false;
  }
  if (!call.is_open()) {
    return can_prepare(call) && has_our_rights(caller);
  }
  const auto asked = call.request();
  const std::uint64_t flags = asked ? asked->flags : 0;
  return asked && asked->is_plain && (flags & ~k_plain_flags) == 0 &&
         // fs.protected_regular: the kernel knows the folder.
         ((flags & O_CREAT) == 0 || file.stat.st_uid == ::geteuid()) &&
         ((flags & O_TRUNC) == 0 || !has_frozen_content(file.file.get())) && has_our_rights(caller);
}

Verdict Deputy::replace_kernel(ReportedCall& call, const NamedFile& file) const {
  if (!call.is_open()) {
    const auto prepared = prepare_call(call, file.file.get());
    return prepared ? done(call, *prepared) : Verdict::refused(prepared.failure().error_number);
  }
  const auto verdict = open(call, *call.request(), file.file.get());
  return verdict.kind() == Verdict::Kind::refused ? Verdict::let_go() : verdict;
}

Verdict Deputy::redirect(ReportedCall& call, int file) const {
  const pid_t caller = call.caller().thread();
  const Action action = call.action();
  // Those are the rights that Landlock knows.
  if ((call.is_open() || action == Action::truncate || action == Action::link) &&
      !knows_rights_of(caller)) {
    return Verdict::refused(EACCES);
  }
  // Ids, also those in ACLs, mean something else to the caller.
  if ((action == Action::owner || action == Action::set_xattr) &&
      !is_in_our_user_namespace(caller)) {
    return Verdict::refused(EINVAL);
  }
  // Its memory must be read before: its rights may not be enough for that.
  const auto asked = call.request();
  const auto prepared = call.is_open() ? Result<Prepared>(Prepared()) : prepare_call(call, file);
  if (!asked || !prepared) {
    return Verdict::refused((asked ? prepared.failure() : asked.failure()).error_number);
  }
  const AsCaller as_caller(caller, AsCaller::Ids::files);
  if (!as_caller.is_no_stronger()) {
    return Verdict::refused(EPERM);
  }
  return call.is_open() ? open(call, *asked, file) : done(call, *prepared);
}

Verdict Deputy::done(const ReportedCall& call, const std::function<int()>& prepared) const {
  const int failed = prepared() == 0 ? 0 : errno;
  m_listener.answer(call.id(), 0, failed);
  return Verdict::answered();
}

Verdict Deputy::open(ReportedCall& call, const Request& request, int file) const {
  constexpr std::uint64_t k_done = O_CREAT | O_EXCL | O_NOFOLLOW | O_TRUNC;
  std::uint64_t flags = (request.flags & ~k_done) | O_CLOEXEC;
  if (!call.is_32_bit() && call.action() != Action::open_how) {
    flags |= k_large_file;
  }
  const bool truncates = (request.flags & O_TRUNC) != 0;
  os::UniqueFd opened = reopen(file, flags);
  os::UniqueFd writer; // to truncate takes the right to write, also where it is not opened for that
  const auto mode = flags & O_ACCMODE;
  if (opened && truncates && mode != O_WRONLY && mode != O_RDWR) {
    writer = reopen(file, O_WRONLY | O_CLOEXEC);
    opened = writer ? std::move(opened) : os::UniqueFd();
  }
  if (!opened) {
    return Verdict::refused(errno);
  }
  // Truncated only when the caller has its descriptor: a call that fails must change nothing. And
  // the caller may close it at once, and run the file: then ours must be closed, or the file is
  // busy. (One call does both, SECCOMP_ADDFD_FLAG_SEND; but where we are stopped in it, the caller
  // gets 0 for a descriptor.)
  const int number =
      m_listener.give_descriptor(call.id(), opened.get(), (request.flags & O_CLOEXEC) != 0);
  if (number < 0) {
    return Verdict::refused(-number);
  }
  if (truncates) {
    [[maybe_unused]] const int known = ::ftruncate(writer ? writer.get() : opened.get(), 0);
  }
  writer.reset();
  opened.reset();
  m_listener.answer(call.id(), number, 0);
  return Verdict::answered();
}

} // namespace snapfix::guard
