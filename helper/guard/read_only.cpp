#include "guard/read_only.hpp"

#include "guard/prepare_call.hpp"
#include "guard/rights.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

bool permits(int file, int access) {
  return ::syscall(SYS_faccessat2, file, "", access, AT_EACCESS | AT_EMPTY_PATH) == 0;
}

/// Whether the caller has that access to the file; yes where only the kernel knows its rights.
bool permits(const Caller& caller, int file, int access) {
  if (has_our_rights(caller.thread())) {
    return permits(file, access);
  }
  const AsCaller as_caller(caller.thread(), AsCaller::Ids::files);
  return !as_caller.is_no_stronger() || permits(file, access);
}

bool open_asks(ReportedCall& call, const NamedFile& file) {
  const auto asked = call.request();
  if (!asked || !S_ISREG(file.stat.st_mode) || (asked->flags & O_DIRECTORY) != 0) {
    return false;
  }
  if (asked->resolve != 0 && !call.match(file)) {
    return false;
  }
  if ((asked->flags & O_TRUNC) != 0) {
    return true; // it asks for this first
  }
  switch (asked->flags & O_ACCMODE) {
  case O_WRONLY:
    return permits(call.caller(), file.file.get(), W_OK);
  case O_RDWR:
    return permits(call.caller(), file.file.get(), R_OK | W_OK);
  default: // of an open for ioctl(2) alone it does not
    return false;
  }
}

bool access_asks(const ReportedCall& call, const NamedFile& file) {
  const auto access = static_cast<int>(call.argument(call.call().path + 1));
  const auto type = file.stat.st_mode & S_IFMT;
  return (type == S_IFREG || type == S_IFDIR || type == S_IFLNK) &&
         permits(call.caller(), file.file.get(), access);
}

/// Whether the times are such that the kernel takes them, and there is one to be set.
bool times_ask(const ReportedCall& call) {
  constexpr long k_second = 1'000'000'000;
  const auto times = times_of(call);
  return times &&
         std::ranges::all_of(*times,
                             [](const timespec& time) {
                               return time.tv_nsec == UTIME_NOW || time.tv_nsec == UTIME_OMIT ||
                                      (time.tv_nsec >= 0 && time.tv_nsec < k_second);
                             }) &&
         std::ranges::any_of(*times,
                             [](const timespec& time) { return time.tv_nsec != UTIME_OMIT; });
}

/// A descriptor for the path alone serves no call that would change its file.
bool is_unfit_descriptor(const ReportedCall& call, const NamedFile& file) {
  if (call.call().path != k_none || !file.number) {
    return false;
  }
  const auto state = call.caller().descriptor_state(*file.number);
  return state && (state->flags & O_PATH) != 0;
}

} // namespace

bool asks_to_write(ReportedCall& call, const NamedFile& file) {
  if (is_unfit_descriptor(call, file)) {
    return false;
  }
  switch (call.action()) {
  case Action::open:
  case Action::open_how:
  case Action::create_file:
    return open_asks(call, file);
  case Action::access:
    return access_asks(call, file);
  case Action::times:
    return times_ask(call);
  case Action::truncate:
    return S_ISREG(file.stat.st_mode) && permits(call.caller(), file.file.get(), W_OK);
  case Action::hand_over:
    return S_ISREG(file.stat.st_mode);
  case Action::ioctl:
    return S_ISREG(file.stat.st_mode) || S_ISDIR(file.stat.st_mode);
  case Action::permissions:
  case Action::owner:
  case Action::set_xattr:
  case Action::remove_xattr:
  case Action::attributes:
  case Action::link:
    return true;
  default:
    return false;
  }
}

} // namespace snapfix::guard
