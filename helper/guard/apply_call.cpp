#include "guard/apply_call.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <optional>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/xattr.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

/// The arguments that come after the file.
class Rest {
public:
  Rest(const seccomp_data& data, const Call& call)
      : m_data(data), m_first(call.path == k_none ? 1 : call.path + 1) {}
  std::uint64_t operator[](int index) const { return m_data.args[m_first + index]; } // NOLINT
  bool is_32_bit() const { return (m_data.arch & __AUDIT_ARCH_64BIT) == 0; }

private:
  const seccomp_data& m_data;
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

/// So many numbers of the caller's memory, as wide as its `long`.
std::optional<std::vector<std::int64_t>> read_longs(Caller& caller, std::uint64_t address,
                                                    std::size_t count, bool is_32_bit) {
  std::vector<std::int64_t> out(count);
  if (!is_32_bit) {
    return caller.read_memory(address, out.data(), count * sizeof out[0]) ? std::optional(out)
                                                                          : std::nullopt;
  }
  std::vector<std::int32_t> narrow(count);
  if (!caller.read_memory(address, narrow.data(), count * sizeof narrow[0])) {
    return std::nullopt;
  }
  out.assign(narrow.begin(), narrow.end());
  return out;
}

int set_times(Caller& caller, const Rest& rest, const Call& call, const std::string& path) {
  const std::string_view name = call.name;
  const bool is_narrow = rest.is_32_bit() && name != "utimensat_time64";
  const std::uint64_t address = rest[0];
  std::array<timespec, 2> times{};
  if (address == 0) {
    times[0].tv_nsec = UTIME_NOW;
    times[1].tv_nsec = UTIME_NOW;
  } else if (name == "utime") { // struct utimbuf: seconds only
    const auto read = read_longs(caller, address, 2, is_narrow);
    if (!read) {
      return caller.error();
    }
    times[0].tv_sec = (*read)[0];
    times[1].tv_sec = (*read)[1];
  } else { // struct timeval or timespec, twice
    const auto read = read_longs(caller, address, 4, is_narrow);
    if (!read) {
      return caller.error();
    }
    const long scale = name == "utimes" || name == "futimesat" ? 1000 : 1;
    for (std::size_t i = 0; i < times.size(); ++i) {
      times.at(i).tv_sec = (*read)[2 * i];
      times.at(i).tv_nsec = (*read)[2 * i + 1] * scale;
    }
  }
  return ::utimensat(AT_FDCWD, path.c_str(), times.data(), 0) == 0 ? 0 : errno;
}

int set_xattr(Caller& caller, const Rest& rest, const std::string& path) {
  const auto name = caller.read_string(rest[0]);
  if (!name) {
    return caller.error();
  }
  if (rest[2] > XATTR_SIZE_MAX) {
    return E2BIG;
  }
  std::vector<char> value(static_cast<std::size_t>(rest[2]));
  if (!value.empty() && !caller.read_memory(rest[1], value.data(), value.size())) {
    return caller.error();
  }
  return ::setxattr(path.c_str(), name->c_str(), value.data(), value.size(),
                    static_cast<int>(rest[3])) == 0
             ? 0
             : errno;
}

int remove_xattr(Caller& caller, const Rest& rest, const std::string& path) {
  const auto name = caller.read_string(rest[0]);
  if (!name) {
    return caller.error();
  }
  return ::removexattr(path.c_str(), name->c_str()) == 0 ? 0 : errno;
}

/// linkat(2) of an open file, into a folder as the caller sees it.
int link_file(Caller& caller, const seccomp_data& data, const Call& call, const std::string& path) {
  if (call.directory == k_none) {
    return EXDEV; // link(2) follows nothing: it named no open file
  }
  const auto new_path = caller.read_string(data.args[3]);
  if (!new_path) {
    return caller.error();
  }
  const auto slash = new_path->rfind('/');
  const std::string folder = slash == std::string::npos ? "." : new_path->substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? *new_path : new_path->substr(slash + 1);
  const auto found = caller.resolve(static_cast<int>(data.args[2]), folder, FollowLast::yes, 0);
  if (!found) {
    return caller.error();
  }
  return ::linkat(AT_FDCWD, path.c_str(), found->file.get(), name.c_str(), AT_SYMLINK_FOLLOW) == 0
             ? 0
             : errno;
}

off_t length_from(const Rest& rest, const Call& call) {
  constexpr unsigned k_half = 32;
  const std::uint64_t low = rest[0];
  if (std::string_view(call.name) == "truncate64") {
    return static_cast<off_t>((low & UINT32_MAX) | rest[1] << k_half);
  }
  return rest.is_32_bit() ? static_cast<std::int32_t>(low) : static_cast<off_t>(low);
}

} // namespace

int apply_call(Caller& caller, const seccomp_data& data, const Call& call, int file) {
  const std::string path = os::path_of_descriptor(file);
  const Rest rest(data, call);
  const std::string_view name = call.name;
  switch (call.action) {
  case Action::permissions:
    return ::chmod(path.c_str(), static_cast<mode_t>(rest[0])) == 0 ? 0 : errno;
  case Action::owner: {
    const bool is_short =
        rest.is_32_bit() && (name == "chown" || name == "fchown" || name == "lchown");
    return ::chown(path.c_str(), id_from(rest[0], is_short), id_from(rest[1], is_short)) == 0
               ? 0
               : errno;
  }
  case Action::truncate:
    return ::truncate(path.c_str(), length_from(rest, call)) == 0 ? 0 : errno;
  case Action::times:
    return set_times(caller, rest, call, path);
  case Action::set_xattr:
    return name == "setxattrat" ? ENOSYS : set_xattr(caller, rest, path);
  case Action::remove_xattr:
    return name == "removexattrat" ? ENOSYS : remove_xattr(caller, rest, path);
  case Action::link:
    return link_file(caller, data, call, path);
  default:
    return EOPNOTSUPP;
  }
}

} // namespace snapfix::guard
