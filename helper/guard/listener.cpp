#include "guard/listener.hpp"

#include "guard/filter.hpp"
#include "os/error.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Of Linux 5.19 and 6.6, newer than the headers we build with.
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5) // NOLINT(*-macro-usage)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64) // NOLINT(*-macro-usage)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0) // NOLINT(*-macro-usage)
#endif

namespace snapfix::guard {
namespace {

long seccomp(unsigned operation, unsigned long flags, void* argument) {
  return ::syscall(SYS_seccomp, operation, flags, argument);
}

/// An ioctl of the listener. Whoever stops and continues us (a debugger, the freezer) interrupts
/// it.
template<typename Argument>
int ask(int listener, unsigned long request, Argument* argument) noexcept {
  int out = 0;
  do {
    out = ::ioctl(listener, request, argument);
  } while (out < 0 && errno == EINTR);
  return out;
}

} // namespace

Installed install_filter() {
  auto code = make_filter(native_abis());
  sock_fprog program{static_cast<unsigned short>(code.size()), code.data()};
  unsigned long flags = SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_SPEC_ALLOW |
                        SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
  Installed out;
  for (;;) {
    const long fd = seccomp(SECCOMP_SET_MODE_FILTER, flags, &program);
    if (fd >= 0) {
      out.listener = os::UniqueFd(static_cast<int>(fd));
      out.wait_killable = (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) != 0;
      return out;
    }
    const int failed = errno;
    if (failed == EACCES && !out.no_new_privileges) {
      out.no_new_privileges = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
      if (out.no_new_privileges) {
        continue;
      }
    }
    if (failed == EINVAL && (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) != 0) {
      flags &= ~SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
      continue;
    }
    throw os::Error("install", {"the filter"}, failed);
  }
}

Listener::Listener(os::UniqueFd fd)
    : m_fd(std::move(fd)), m_is_synchronous(::ioctl(m_fd.get(), SECCOMP_IOCTL_NOTIF_SET_FLAGS,
                                                    SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) == 0) {
  seccomp_notif_sizes sizes{};
  seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
  m_notification_size = std::max<std::size_t>(sizes.seccomp_notif, sizeof(seccomp_notif));
}

std::optional<seccomp_notif> Listener::receive(bool& gone) {
  thread_local std::vector<std::byte> buffer;
  buffer.assign(m_notification_size, std::byte{0}); // the kernel wants it so
  if (::ioctl(m_fd.get(), SECCOMP_IOCTL_NOTIF_RECV, buffer.data()) != 0) {
    pollfd state{m_fd.get(), 0, 0};
    gone = ::poll(&state, 1, 0) > 0 && (state.revents & POLLHUP) != 0;
    return std::nullopt;
  }
  seccomp_notif out{};
  std::memcpy(&out, buffer.data(), sizeof out);
  return out;
}

bool Listener::is_waiting(std::uint64_t id) const noexcept {
  return ask(m_fd.get(), SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

void Listener::proceed(std::uint64_t id) noexcept {
  send({id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE});
}

void Listener::answer(std::uint64_t id, std::int64_t value, int error_number) noexcept {
  send({id, error_number == 0 ? value : 0, -error_number, 0});
}

void Listener::send(const seccomp_notif_resp& response) noexcept {
  // Where it fails, the caller is gone: nobody waits for the answer.
  ask(m_fd.get(), SECCOMP_IOCTL_NOTIF_SEND, &response);
}

int Listener::add_descriptor(seccomp_notif_addfd request) noexcept {
  const int number = ask(m_fd.get(), SECCOMP_IOCTL_NOTIF_ADDFD, &request);
  return number < 0 ? -errno : number;
}

int Listener::give_descriptor(std::uint64_t id, int fd, bool close_on_exec) noexcept {
  return add_descriptor({.id = id,
                         .flags = 0,
                         .srcfd = static_cast<std::uint32_t>(fd),
                         .newfd = 0,
                         .newfd_flags = close_on_exec ? std::uint32_t{O_CLOEXEC} : 0});
}

int Listener::replace_descriptor(std::uint64_t id, int fd, int number,
                                 bool close_on_exec) noexcept {
  const int out = add_descriptor({.id = id,
                                  .flags = SECCOMP_ADDFD_FLAG_SETFD,
                                  .srcfd = static_cast<std::uint32_t>(fd),
                                  .newfd = static_cast<std::uint32_t>(number),
                                  .newfd_flags = close_on_exec ? std::uint32_t{O_CLOEXEC} : 0});
  return out < 0 ? -out : 0;
}

} // namespace snapfix::guard
