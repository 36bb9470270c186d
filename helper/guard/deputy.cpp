#include "guard/deputy.hpp"

#include "guard/apply_call.hpp"
#include "guard/rights.hpp"

#include <cerrno>

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

bool Deputy::may_replace_kernel(ReportedCall& call, const NamedFile& file) const {
  if (!m_waits_killable || !m_knows_rights || call.is_by_x32()) {
    return false;
  }
  if (!call.is_open()) {
    return can_apply(call) && has_our_rights(call.caller().thread());
  }
  const auto asked = call.request();
  const std::uint64_t flags = asked ? asked->flags : 0;
  return asked && asked->is_plain && (flags & ~k_plain_flags) == 0 &&
         // fs.protected_regular: the kernel knows the folder.
         ((flags & O_CREAT) == 0 || file.stat.st_uid == ::geteuid()) &&
         ((flags & O_TRUNC) == 0 || !has_frozen_content(file.file.get())) &&
         has_our_rights(call.caller().thread());
}

Verdict Deputy::replace_kernel(ReportedCall& call, const NamedFile& file) const {
  if (!call.is_open()) {
    m_listener.answer(call.id(), 0, apply_call(call, file.file.get()));
    return Verdict::answered();
  }
  const auto verdict = open(call, *call.request(), file.file.get());
  return verdict.kind() == Verdict::Kind::refused ? Verdict::let_go() : verdict;
}

Verdict Deputy::redirect(ReportedCall& call, int file) const {
  // The rights that Landlock knows: the others are the caller's ids.
  const bool is_landlocks =
      call.is_open() || call.action() == Action::truncate || call.action() == Action::link;
  if (!m_knows_rights && is_landlocks) {
    return Verdict::refused(EACCES);
  }
  const AsCaller as_caller(call.caller().thread(), AsCaller::Ids::files);
  if (!as_caller.is_no_stronger()) {
    return Verdict::refused(EPERM);
  }
  if (call.is_open()) {
    const auto asked = call.request();
    return asked ? open(call, *asked, file) : Verdict::refused(asked.failure().error_number);
  }
  m_listener.answer(call.id(), 0, apply_call(call, file));
  return Verdict::answered();
}

Verdict Deputy::open(ReportedCall& call, const Request& request, int file) const {
  constexpr std::uint64_t k_done = O_CREAT | O_EXCL | O_NOFOLLOW | O_TRUNC;
  std::uint64_t flags = (request.flags & ~k_done) | O_CLOEXEC;
  if (!call.is_32_bit() && call.action() != Action::open_how) {
    flags |= k_large_file;
  }
  os::UniqueFd opened = reopen(file, flags);
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
  if ((request.flags & O_TRUNC) != 0 && ::ftruncate(opened.get(), 0) != 0) {
    ::truncate(os::path_of_descriptor(opened.get()).c_str(), 0); // O_RDONLY | O_TRUNC
  }
  opened.reset();
  m_listener.answer(call.id(), number, 0);
  return Verdict::answered();
}

} // namespace snapfix::guard
