#pragma once

#include "os/fd.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

#include <linux/seccomp.h>

namespace snapfix::guard {

/// What the kernel gave when the filter was installed.
struct Installed {
  os::UniqueFd listener;
  bool wait_killable = false;     ///< a call that we look at is interrupted by nothing but death
  bool no_new_privileges = false; ///< it had to be given up: sudo does not work inside
};

/// Puts the filter on this thread and what it starts; for good. Asks the kernel for what it has and
/// makes do with less: WAIT_KILLABLE_RECV is of Linux 5.19, SPEC_ALLOW of 4.17. Throws os::Error
/// (EBUSY: there is another listener).
Installed install_filter();

/// The supervisor's end: gets reported calls and answers them. An answer reaches its caller even if
/// we are stopped in the midst of it.
class Listener {
public:
  explicit Listener(os::UniqueFd fd);

  int fd() const noexcept { return m_fd.get(); }
  /// The caller's thread runs at once on our processor when we answer, and we on its when it calls
  /// (Linux 6.6).
  bool is_synchronous() const noexcept { return m_is_synchronous; }

  /// Waits for the next call; several threads may. Nothing if there is none (the caller died, a
  /// signal came): ask again; `gone` is set when nobody is left who could call.
  std::optional<seccomp_notif> receive(bool& gone);

  /// Whether the caller still waits for the answer.
  bool is_waiting(std::uint64_t id) const noexcept;

  /// Lets the kernel do the call.
  void proceed(std::uint64_t id) noexcept;
  /// The call returns `value`, or -1 with that errno.
  void answer(std::uint64_t id, std::int64_t value, int error_number) noexcept;
  /// Gives the caller a descriptor for our `fd`: its number, or less than 0, the errno. The call
  /// goes on waiting for its answer.
  int give_descriptor(std::uint64_t id, int fd, bool close_on_exec) noexcept;
  /// Puts our `fd` in the place of the caller's descriptor `number`. Returns 0 or the errno.
  int replace_descriptor(std::uint64_t id, int fd, int number, bool close_on_exec) noexcept;

private:
  void send(const seccomp_notif_resp& response) noexcept;
  int add_descriptor(seccomp_notif_addfd request) noexcept;

  os::UniqueFd m_fd;
  bool m_is_synchronous;
  std::size_t m_notification_size = 0; ///< of this kernel, which may be newer than our headers
};

} // namespace snapfix::guard
