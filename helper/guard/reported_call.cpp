#include "guard/reported_call.hpp"

#include <cerrno>
#include <utility>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/openat2.h>

namespace snapfix::guard {
namespace {

/// Whether an open with these flags may change a file that was there before.
bool changes_an_old_file(std::uint64_t flags) {
  return (flags & (O_ACCMODE | O_TRUNC)) != 0 && (flags & O_PATH) == 0 &&
         (flags & (O_CREAT | O_EXCL)) != (O_CREAT | O_EXCL) && (flags & O_TMPFILE) != O_TMPFILE;
}

// Of Linux 5.12, newer than the headers that we may be built with.
#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 // NOLINT(*-macro-usage)
#endif

Result<Request> read_open_how(const Caller& caller, std::uint64_t address, std::uint64_t size) {
  open_how how{};
  if (size < sizeof how) {
    return Failure{Failure::At::process, EINVAL};
  }
  if (const auto failure = caller.read_memory(address, &how, sizeof how)) {
    return *failure;
  }
  constexpr std::uint64_t k_modes = 07777;
  const bool creates = (how.flags & O_CREAT) != 0;
  const bool never_cached =
      (how.resolve & RESOLVE_CACHED) != 0 && (creates || (how.flags & O_TRUNC) != 0);
  return Request{how.flags, how.resolve,
                 size == sizeof how && (how.mode & ~(creates ? k_modes : 0)) == 0 && !never_cached};
}

} // namespace

bool ReportedCall::is_32_bit() const noexcept {
  return (m_notification.data.arch & __AUDIT_ARCH_64BIT) == 0;
}

bool ReportedCall::is_open() const noexcept {
  return m_call.action == Action::open || m_call.action == Action::open_how ||
         m_call.action == Action::create_file;
}

bool ReportedCall::may_create() {
  const auto asked = request();
  return is_open() && asked && (asked->flags & O_CREAT) != 0;
}

int ReportedCall::directory() const noexcept {
  return m_call.directory == k_none ? AT_FDCWD : static_cast<int>(argument(m_call.directory));
}

std::optional<int> ReportedCall::descriptor() {
  if (m_call.path == k_none) {
    return static_cast<int>(argument(0));
  }
  if (is_open() || m_call.directory == k_none) {
    return std::nullopt;
  }
  const bool may_be_empty = (request()->flags & AT_EMPTY_PATH) != 0;
  if (argument(m_call.path) == 0) {
    return m_call.action == Action::times || may_be_empty ? std::optional(directory())
                                                          : std::nullopt;
  }
  const auto name = path();
  return may_be_empty && name && name->empty() ? std::optional(directory()) : std::nullopt;
}

Result<Request> ReportedCall::request() {
  if (!m_request) {
    switch (m_call.action) {
    case Action::create_file:
      m_request = Request{O_CREAT | O_WRONLY | O_TRUNC};
      break;
    case Action::open_how:
      m_request = read_open_how(m_caller, argument(2), argument(3));
      break;
    default:
      m_request =
          Request{m_call.flags == k_none ? 0 : static_cast<std::uint32_t>(argument(m_call.flags))};
    }
  }
  return *m_request;
}

Result<std::string> ReportedCall::path() {
  if (!m_path) {
    m_path = m_caller.read_string(argument(m_call.path));
  }
  return *m_path;
}

/// Whether it goes through a symlink at its path's end.
FollowLast ReportedCall::follows_last(const Request& request) const noexcept {
  bool follows = m_call.follows && (request.flags & AT_SYMLINK_NOFOLLOW) == 0;
  if (is_open()) {
    follows = (request.flags & O_NOFOLLOW) == 0;
  } else if (m_call.action == Action::link) {
    follows = (request.flags & AT_SYMLINK_FOLLOW) != 0;
  }
  return follows ? FollowLast::yes : FollowLast::no;
}

std::vector<std::string> ReportedCall::words() const {
  constexpr std::size_t k_most = 4096;
  const std::size_t width = is_32_bit() ? sizeof(std::uint32_t) : sizeof(std::uint64_t);
  const std::uint64_t begin = argument(m_call.path + 1);
  std::vector<std::string> out;
  while (out.size() < k_most) {
    std::uint64_t address = 0; // the machines that we guard are little endian
    const auto failure = m_caller.read_memory(begin + out.size() * width, &address, width);
    auto word = failure || address == 0 ? Result<std::string>(Failure{Failure::At::process, EFAULT})
                                        : m_caller.read_string(address);
    if (!word) {
      break;
    }
    out.push_back(std::move(*word));
  }
  return out;
}

Result<Caller::Match> ReportedCall::match(const NamedFile& file) {
  const auto asked = request();
  if (!asked) {
    return asked.failure();
  }
  if ((asked->resolve & ~std::uint64_t{RESOLVE_IN_ROOT}) == 0) {
    return Caller::Match::same; // find_file() has asked for just that
  }
  const auto name = path();
  if (!name) {
    return name.failure();
  }
  return m_caller.match(file, directory(), *name, follows_last(*asked), asked->resolve);
}

Result<NamedFile> ReportedCall::find_file() {
  if (const auto number = descriptor()) {
    return m_caller.open_descriptor(*number);
  }
  const auto asked = request();
  if (!asked) {
    return asked.failure();
  }
  const bool changes = !is_open() || changes_an_old_file(asked->flags);
  if (!changes && (asked->flags & (O_CREAT | O_EXCL | O_PATH)) != O_CREAT) {
    return Failure{Failure::At::path, ENOENT}; // whatever is there
  }
  const auto name = path();
  if (!name) {
    return name.failure();
  }
  if (name->empty()) {
    return Failure{Failure::At::path, ENOENT};
  }
  auto found = m_caller.resolve(directory(), *name, follows_last(*asked),
                                (asked->resolve & RESOLVE_IN_ROOT) != 0 ? TopFolder::directory
                                                                        : TopFolder::root);
  if (!changes && (found || !found.failure().missing)) {
    return Failure{Failure::At::path, ENOENT};
  }
  return found;
}

Result<NamedFile> ReportedCall::find_new_name() const {
  const int path = m_call.directory == k_none ? 1 : 3;
  const auto name = m_caller.read_string(argument(path));
  if (!name) {
    return name.failure();
  }
  return m_caller.resolve(m_call.directory == k_none ? AT_FDCWD : static_cast<int>(argument(2)),
                          *name, FollowLast::no);
}

} // namespace snapfix::guard
