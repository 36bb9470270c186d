#pragma once

#include "guard/caller.hpp"
#include "guard/filter.hpp"
#include "guard/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <linux/seccomp.h>

namespace snapfix::guard {

/// What the flags of an argument or of struct open_how ask for.
struct Request {
  std::uint64_t flags = 0;
  std::uint64_t resolve = 0; ///< RESOLVE_*
  bool is_plain = true;      ///< no size or mode of struct open_how that only the kernel may judge
};

/// A call that the filter reported: its caller, its arguments, and what they name.
class ReportedCall {
public:
  ReportedCall(const seccomp_notif& notification, const Call& call)
      : m_notification(notification), m_call(call), m_caller(static_cast<pid_t>(notification.pid)) {
  }

  std::uint64_t id() const noexcept { return m_notification.id; }
  const Call& call() const noexcept { return m_call; }
  Action action() const noexcept { return m_call.action; }
  Caller& caller() noexcept { return m_caller; }
  const Caller& caller() const noexcept { return m_caller; }

  std::uint64_t argument(int index) const { return m_notification.data.args[index]; } // NOLINT
  bool is_32_bit() const noexcept;
  bool is_by_x32() const noexcept { return is_x32(m_notification.data); }

  /// Whether it opens a file that it names by a path.
  bool is_open() const noexcept;
  /// Whether it makes a file where there is none.
  bool may_create();
  /// The number of the descriptor that it is about, if no path but its number tells the file:
  /// without a path, with a null one (utimensat(2)) or an empty one (AT_EMPTY_PATH).
  std::optional<int> descriptor();

  // Read once from the caller's memory.
  Result<Request> request();
  Result<std::string> path();

  /// The words that an execve(2) gives to its program; those that can be read, and not too many.
  std::vector<std::string> words() const;

  /// The file that it would change, or ask about. ENOENT: none that was there before; where it
  /// would make one, Failure::missing tells where.
  Result<NamedFile> find_file();
  /// What stands where a link would be made, or that there is nothing.
  Result<NamedFile> find_new_name() const;
  /// Whether the kernel finds that file too, with what the caller forbids (RESOLVE_*).
  Result<Caller::Match> match(const NamedFile& file);

private:
  int directory() const noexcept;
  FollowLast follows_last(const Request& request) const noexcept;

  const seccomp_notif& m_notification;
  const Call& m_call;
  Caller m_caller;
  std::optional<Result<Request>> m_request;
  std::optional<Result<std::string>> m_path;
};

} // namespace snapfix::guard
