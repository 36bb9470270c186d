#include "guard/prepare_call.hpp"

#include <array>
#include <cerrno>
#include <memory>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/xattr.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

/// struct xattr_args of setxattrat(2), Linux 6.13.
struct XattrArguments {
  std::uint64_t value;
  std::uint32_t size;
  std::uint32_t flags;
};

/// The arguments that come after the file.
class Rest {
public:
  explicit Rest(const ReportedCall& call)
      : m_call(call), m_first(call.call().path == k_none ? 1 : call.call().path + 1) {
    if (call.call().flags == m_first) {
      ++m_first;
    }
  }
  std::uint64_t operator[](int index) const { return m_call.argument(m_first + index); }

private:
  const ReportedCall& m_call;
  int m_first;
};

/// i386's first chown took 16 bits.
std::uint32_t id_from(std::uint64_t argument, bool is_short) {
  const auto id = static_cast<std::uint32_t>(argument);
  if (!is_short) {
    return id;
  }
  const std::uint32_t low = id & 0xffffU;
  return low == 0xffffU ? static_cast<std::uint32_t>(-1) : low;
}

Prepared set_owner(const ReportedCall& call, const Rest& rest, const std::string& path) {
  const bool is_short = call.is_32_bit() && call.call().layout == Layout::short_ids;
  return [=, user = id_from(rest[0], is_short), group = id_from(rest[1], is_short)] {
    return ::chown(path.c_str(), user, group);
  };
}

/// So many numbers of the caller's memory, as wide as its `long` or, `is_narrow`, an int.
Result<std::vector<std::int64_t>> read_longs(const Caller& caller, std::uint64_t address,
                                             std::size_t count, bool is_narrow) {
  std::vector<std::int64_t> out(count);
  if (!is_narrow) {
    const auto failure = caller.read_memory(address, out.data(), count * sizeof out[0]);
    return failure ? Result<std::vector<std::int64_t>>(*failure) : out;
  }
  std::vector<std::int32_t> narrow(count);
  if (const auto failure = caller.read_memory(address, narrow.data(), count * sizeof narrow[0])) {
    return *failure;
  }
  out.assign(narrow.begin(), narrow.end());
  return out;
}

Result<Prepared> set_times(const ReportedCall& call, const std::string& path) {
  const auto times = times_of(call);
  if (!times) {
    return times.failure();
  }
  return Prepared(
      [=, times = *times] { return ::utimensat(AT_FDCWD, path.c_str(), times.data(), 0); });
}

Result<Prepared> set_xattr(const ReportedCall& call, const Rest& rest, const std::string& path) {
  const Caller& caller = call.caller();
  const auto name = caller.read_string(rest[0]);
  if (!name) {
    return name.failure();
  }
  XattrArguments arguments{rest[1], static_cast<std::uint32_t>(rest[2]),
                           static_cast<std::uint32_t>(rest[3])};
  if (call.call().directory != k_none) { // setxattrat(2)
    if (const auto failure = caller.read_memory(rest[1], &arguments, sizeof arguments)) {
      return *failure;
    }
  }
  if (arguments.size > XATTR_SIZE_MAX) {
    return Failure{Failure::At::process, E2BIG};
  }
  std::vector<char> value(arguments.size);
  if (!value.empty()) {
    if (const auto failure = caller.read_memory(arguments.value, value.data(), value.size())) {
      return *failure;
    }
  }
  return Prepared([=, name = *name, flags = static_cast<int>(arguments.flags)] {
    return ::setxattr(path.c_str(), name.c_str(), value.data(), value.size(), flags);
  });
}

Result<Prepared> remove_xattr(const ReportedCall& call, const Rest& rest, const std::string& path) {
  const auto name = call.caller().read_string(rest[0]);
  if (!name) {
    return name.failure();
  }
  return Prepared([=, name = *name] { return ::removexattr(path.c_str(), name.c_str()); });
}

/// linkat(2) of an open file, into a folder as the caller sees it.
Result<Prepared> link_file(const ReportedCall& call, const std::string& path) {
  if (call.call().directory == k_none) { // link(2) follows nothing: it named no open file
    return Failure{Failure::At::path, EXDEV};
  }
  const auto new_path = call.caller().read_string(call.argument(3));
  if (!new_path) {
    return new_path.failure();
  }
  const auto slash = new_path->rfind('/');
  const std::string folder = slash == std::string::npos ? "." : new_path->substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? *new_path : new_path->substr(slash + 1);
  auto found = call.caller().resolve(static_cast<int>(call.argument(2)), folder, FollowLast::yes);
  if (!found) {
    return found.failure();
  }
  return Prepared([=, into = std::make_shared<os::UniqueFd>(std::move(found->file))] {
    return ::linkat(AT_FDCWD, path.c_str(), into->get(), name.c_str(), AT_SYMLINK_FOLLOW);
  });
}

off_t length_from(const ReportedCall& call, const Rest& rest) {
  constexpr unsigned k_half = 32;
  const std::uint64_t low = rest[0];
  if (call.call().layout == Layout::two_halves) {
    return static_cast<off_t>((low & UINT32_MAX) | rest[1] << k_half);
  }
  return call.is_32_bit() ? static_cast<std::int32_t>(low) : static_cast<off_t>(low);
}

/// Whether the caller may make files of any length, as we may.
bool has_no_size_limit(pid_t thread) {
  rlimit limit{};
  return ::prlimit(thread, RLIMIT_FSIZE, nullptr, &limit) == 0 && limit.rlim_cur == RLIM_INFINITY;
}

} // namespace

Result<std::array<timespec, 2>> times_of(const ReportedCall& call) {
  const Layout layout = call.call().layout;
  const std::uint64_t address = Rest(call)[0];
  std::array<timespec, 2> times{};
  if (address == 0) {
    times[0].tv_nsec = UTIME_NOW;
    times[1].tv_nsec = UTIME_NOW;
    return times;
  }
  const std::size_t words = layout == Layout::seconds ? 1 : 2; // each time has
  const auto read = read_longs(call.caller(), address, words * times.size(),
                               call.is_32_bit() && layout != Layout::wide_nanoseconds);
  if (!read) {
    return read.failure();
  }
  const long scale = layout == Layout::microseconds ? 1000 : 1;
  for (std::size_t i = 0; i < times.size(); ++i) {
    times.at(i).tv_sec = (*read)[words * i];
    times.at(i).tv_nsec = words == 1 ? 0 : (*read)[words * i + 1] * scale;
  }
  return times;
}

Result<Prepared> prepare_call(const ReportedCall& call, int file) {
  const std::string path = os::path_of_descriptor(file);
  const Rest rest(call);
  switch (call.action()) {
  case Action::permissions:
    return Prepared(
        [=, mode = static_cast<mode_t>(rest[0])] { return ::chmod(path.c_str(), mode); });
  case Action::owner:
    return set_owner(call, rest, path);
  case Action::truncate:
    return Prepared(
        [=, length = length_from(call, rest)] { return ::truncate(path.c_str(), length); });
  case Action::times:
    return set_times(call, path);
  case Action::set_xattr:
    return set_xattr(call, rest, path);
  case Action::remove_xattr:
    return remove_xattr(call, rest, path);
  case Action::link:
    return link_file(call, path);
  default:
    return Failure{Failure::At::process, EOPNOTSUPP};
  }
}

bool can_prepare(ReportedCall& call) {
  constexpr std::uint64_t k_known = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH;
  const auto asked = call.request();
  if (!asked || (asked->flags & ~k_known) != 0) {
    return false;
  }
  switch (call.action()) {
  case Action::permissions:
  case Action::owner:
  case Action::times:
  case Action::remove_xattr:
    return true;
  case Action::set_xattr:
    return call.call().directory == k_none || call.argument(5) == sizeof(XattrArguments);
  case Action::truncate:
    return has_no_size_limit(call.caller().thread());
  default:
    return false;
  }
}

} // namespace snapfix::guard
