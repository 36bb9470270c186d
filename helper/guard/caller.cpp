#include "guard/caller.hpp"

#include "guard/path_walk.hpp"
#include "os/format.hpp"
#include "os/process.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>

#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

constexpr std::size_t k_page = 4096;

/// Which folder a mount namespace's root is: mount ids are unique on the whole machine.
struct RootId {
  std::uint64_t mount = 0;
  std::uint64_t inode = 0;
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  bool operator==(const RootId&) const = default;
};

std::optional<RootId> root_id(const char* path) {
  struct statx stat {};
  if (::statx(AT_FDCWD, path, 0, STATX_INO | STATX_MNT_ID, &stat) != 0) {
    return std::nullopt;
  }
  return RootId{stat.stx_mnt_id, stat.stx_ino, stat.stx_dev_major, stat.stx_dev_minor};
}

bool is_proc(int folder) {
  struct statfs stat {};
  return ::fstatfs(folder, &stat) != 0 || stat.f_type == PROC_SUPER_MAGIC;
}

/// The ids of a line of /proc/PID/status, `Uid:` or `Gid:` (real, effective, saved, file system) or
/// `Groups:`.
std::vector<unsigned> ids_from(const std::string& status, const char* key) {
  std::vector<unsigned> out;
  const auto begin = status.find(key);
  if (begin != std::string::npos) {
    std::istringstream line(status.substr(begin, status.find('\n', begin + 1) - begin));
    std::string word;
    line >> word;
    for (unsigned id = 0; line >> id;) {
      out.push_back(id);
    }
  }
  return out;
}

constexpr unsigned k_unchanged = static_cast<unsigned>(-1);

} // namespace

// System calls in place of glibc's functions, which change the ids of all threads.
OtherIds::OtherIds(pid_t thread, Which which) : m_which(which) {
  if (::geteuid() != 0) {
    return;
  }
  std::ifstream file(os::format("/proc/{}/status", thread));
  const std::string status{std::istreambuf_iterator<char>(file), {}};
  const auto users = ids_from(status, "\nUid:");
  const auto groups = ids_from(status, "\nGid:");
  if (users.size() != 4 || groups.size() != 4 ||
      (users[3] == ::geteuid() && groups[3] == ::getegid())) {
    return;
  }
  m_are_others = true;
  m_groups.resize(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  m_groups.resize(static_cast<std::size_t>(
      std::max(::getgroups(static_cast<int>(m_groups.size()), m_groups.data()), 0)));
  const auto more = ids_from(status, "\nGroups:");
  ::syscall(SYS_setgroups, more.size(), more.data());
  if (m_which == Which::files) {
    ::syscall(SYS_setfsgid, groups[3]);
    ::syscall(SYS_setfsuid, users[3]);
  } else {
    ::syscall(SYS_setresgid, groups[1], groups[1], k_unchanged);
    ::syscall(SYS_setresuid, users[1], users[1], k_unchanged); // the saved one stays root's
  }
}

OtherIds::~OtherIds() {
  if (!m_are_others) {
    return;
  }
  if (m_which == Which::files) {
    ::syscall(SYS_setfsuid, 0);
    ::syscall(SYS_setfsgid, ::getegid());
  } else {
    ::syscall(SYS_setresuid, 0, 0, k_unchanged);
    gid_t saved = 0;
    gid_t ignored = 0;
    ::getresgid(&ignored, &ignored, &saved);
    ::syscall(SYS_setresgid, saved, saved, k_unchanged);
  }
  ::syscall(SYS_setgroups, m_groups.size(), m_groups.data());
}

/// Opens a link of the caller's folder in /proc, which leads to what the caller has open.
os::UniqueFd Caller::open_proc(const std::string& path) const {
  os::UniqueFd out(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!out && (errno == EACCES || errno == EPERM)) {
    const OtherIds as_caller(m_thread, OtherIds::Which::all);
    if (as_caller.are_others()) {
      out = os::UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC));
    }
  }
  return out;
}

std::string Caller::proc_path(const char* entry) const {
  return os::format("/proc/{}/{}", m_thread, entry);
}

std::string Caller::descriptor_path(int number) const {
  return number == AT_FDCWD ? proc_path("cwd") : os::format("/proc/{}/fd/{}", m_thread, number);
}

std::string Caller::path_below_root(const std::string& path) const {
  std::array<char, PATH_MAX> text{};
  const ssize_t length = ::readlink(proc_path("root").c_str(), text.data(), text.size() - 1);
  const std::string root(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  return root.size() > 1 && path.starts_with(root + "/") ? path.substr(root.size()) : path;
}

bool Caller::has_our_rights() const {
  struct stat process {};
  if (::stat(os::format("/proc/{}", m_thread).c_str(), &process) != 0 ||
      process.st_uid != ::geteuid() || process.st_gid != ::getegid()) {
    return false;
  }
  const auto capabilities = [](pid_t thread) -> std::optional<std::uint64_t> {
    __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, thread};
    std::array<__user_cap_data_struct, 2> data{};
    if (::syscall(SYS_capget, &header, data.data()) != 0) {
      return std::nullopt;
    }
    return std::uint64_t{data[1].effective} << 32U | data[0].effective;
  };
  static const auto k_ours = capabilities(0);
  return k_ours && capabilities(m_thread) == k_ours;
}

std::string Caller::program() const {
  return os::process_name(m_thread);
}

bool Caller::read_memory(std::uint64_t address, void* to, std::size_t size) {
  const iovec local{to, size};
  const iovec remote{reinterpret_cast<void*>(address), size}; // NOLINT: an address elsewhere
  ssize_t got = ::process_vm_readv(m_thread, &local, 1, &remote, 1, 0);
  if (got < 0 && errno == EPERM) {
    const OtherIds as_caller(m_thread, OtherIds::Which::all);
    if (as_caller.are_others()) {
      got = ::process_vm_readv(m_thread, &local, 1, &remote, 1, 0);
    }
  }
  m_error = got < 0 ? errno : EFAULT;
  return got == static_cast<ssize_t>(size);
}

std::optional<std::string> Caller::read_string(std::uint64_t address) {
  std::array<char, PATH_MAX> buffer; // NOLINT(*-member-init): filled below
  std::size_t length = 0;
  // The string may end shortly before memory that is not there: a page at a time.
  while (length < buffer.size()) {
    const std::size_t chunk =
        std::min(k_page - (address + length) % k_page, buffer.size() - length);
    if (!read_memory(address + length, &buffer[length], chunk)) {
      return std::nullopt;
    }
    if (std::memchr(&buffer[length], '\0', chunk) != nullptr) {
      return std::string(buffer.data());
    }
    length += chunk;
  }
  m_error = ENAMETOOLONG;
  return std::nullopt;
}

std::optional<NamedFile> Caller::open_descriptor(int number) {
  NamedFile out;
  out.is_descriptor = true;
  out.file = open_proc(descriptor_path(number));
  if (!out.file || ::fstat(out.file.get(), &out.stat) != 0) {
    m_error = errno;
    return std::nullopt;
  }
  return out;
}

std::optional<Caller::DescriptorState> Caller::descriptor_state(int number) const {
  const auto text = os::read_proc(os::format("/proc/{}/fdinfo/{}", m_thread, number)).value_or("");
  DescriptorState out;
  long long offset = 0;
  unsigned flags = 0;
  // proc(5): "pos: <decimal>", then "flags: <octal>".
  if (std::sscanf(text.c_str(), "pos: %lld flags: %o", &offset, &flags) !=
      2) { // NOLINT(cert-err34-c)
    return std::nullopt;
  }
  out.offset = offset;
  out.flags = static_cast<int>(flags);
  return out;
}

bool Caller::shares_our_root() const {
  static const auto k_ours = root_id("/");
  return k_ours && root_id(proc_path("root").c_str()) == k_ours;
}

os::UniqueFd Caller::open_base(int directory) const {
  return open_proc(descriptor_path(directory));
}

std::optional<NamedFile> Caller::resolve(int directory, const std::string& path, FollowLast last,
                                         std::uint64_t how) {
  if (!m_walks_always && shares_our_root()) {
    if (auto found = resolve_in_our_root(directory, path, last, how); found || m_error != ELOOP) {
      return found;
    }
  }
  // The kernel will refuse what the caller forbade it.
  if ((how & (RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_BENEATH)) !=
          0 &&
      !m_walks_always) {
    m_error = ELOOP;
    return std::nullopt;
  }
  const os::UniqueFd root = open_proc(proc_path("root"));
  const os::UniqueFd base = open_base(directory);
  if (!root || !base) {
    m_error = errno;
    return std::nullopt;
  }
  const bool stays_below = (how & RESOLVE_IN_ROOT) != 0;
  PathWalk walk(m_thread, stays_below ? base.get() : root.get(), base.get());
  auto found = walk.resolve(path, last);
  m_error = walk.error();
  return found;
}

/// The kernel does the walk for us, as long as the path leads through nothing that means another
/// thing to us than to the caller. ELOOP: it does.
std::optional<NamedFile> Caller::resolve_in_our_root(int directory, const std::string& path,
                                                     FollowLast last, std::uint64_t how) {
  os::UniqueFd base;
  int base_number = AT_FDCWD;
  if (!path.starts_with('/') || (how & RESOLVE_IN_ROOT) != 0) {
    base = open_base(directory);
    if (!base) {
      m_error = errno;
      return std::nullopt;
    }
    base_number = base.get();
  }
  open_how request{};
  request.flags = O_PATH | O_CLOEXEC | (last == FollowLast::no ? O_NOFOLLOW : 0);
  request.resolve = how | RESOLVE_NO_MAGICLINKS;
  NamedFile out;
  out.file = os::UniqueFd(static_cast<int>(
      ::syscall(SYS_openat2, base_number, path.c_str(), &request, sizeof request)));
  if (out.file && ::fstat(out.file.get(), &out.stat) == 0) {
    return out;
  }
  m_error = errno;
  if (m_error == ENOENT && !is_plainly_absent(base_number, path)) {
    m_error = ELOOP;
  }
  return std::nullopt;
}

/// Whether there is no such name, rather than a symlink that leads nowhere or a name in /proc that
/// we do not have but the caller may: most files that are made are made by calls that would also
/// change one.
bool Caller::is_plainly_absent(int base, const std::string& path) const {
  const auto slash = path.find_last_not_of('/') == std::string::npos
                         ? std::string::npos
                         : path.rfind('/', path.find_last_not_of('/'));
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  open_how request{};
  request.flags = O_PATH | O_CLOEXEC | O_DIRECTORY;
  request.resolve = RESOLVE_NO_MAGICLINKS;
  const os::UniqueFd parent(
      static_cast<int>(::syscall(SYS_openat2, base, folder.c_str(), &request, sizeof request)));
  if (!parent || is_proc(parent.get())) {
    return false;
  }
  struct stat stat {};
  return ::fstatat(parent.get(), name.c_str(), &stat, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

} // namespace snapfix::guard
