#include "guard/call_request.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <linux/openat2.h>

namespace snapfix::guard {

bool is_open(const Call& call) {
  return call.action == Action::open || call.action == Action::open_how ||
         call.action == Action::create_file;
}

bool changes_an_old_file(std::uint64_t flags) {
  return (flags & (O_ACCMODE | O_TRUNC)) != 0 && (flags & O_PATH) == 0 &&
         (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL) && (flags & O_TMPFILE) != O_TMPFILE;
}

std::optional<Request> request_of(Caller& caller, const seccomp_data& data, const Call& call) {
  switch (call.action) {
  case Action::create_file:
    return Request{O_CREAT | O_WRONLY | O_TRUNC, 0};
  case Action::open_how: {
    open_how how{};
    if (!caller.read_memory(data.args[2], &how, sizeof how)) {
      return std::nullopt;
    }
    return Request{how.flags, how.resolve};
  }
  default:
    return Request{call.flags == k_none ? 0 : data.args[call.flags], 0}; // NOLINT: a C array
  }
}

FollowLast follow(const Call& call, const Request& request) {
  if (is_open(call)) {
    return (request.flags & O_NOFOLLOW) != 0 ? FollowLast::no : FollowLast::yes;
  }
  if (call.action == Action::link) {
    return (request.flags & AT_SYMLINK_FOLLOW) != 0 ? FollowLast::yes : FollowLast::no;
  }
  return call.follows && (request.flags & AT_SYMLINK_NOFOLLOW) == 0 ? FollowLast::yes
                                                                    : FollowLast::no;
}

bool means_no_file(int error_number) {
  constexpr std::array k_errors{ENOENT, ENOTDIR, EFAULT,       EBADF, ELOOP,
                                EISDIR, ENXIO,   ENAMETOOLONG, EXDEV, EINVAL};
  return std::ranges::find(k_errors, error_number) != k_errors.end();
}

} // namespace snapfix::guard
