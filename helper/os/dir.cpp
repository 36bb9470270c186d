#include "os/dir.hpp"

#include "os/error.hpp"
#include "os/format.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstring>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/limits.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>

namespace snapfix::os {
namespace {

constexpr unsigned k_stat_mask = STATX_BASIC_STATS;
/// Those that somebody sets; others tell how the file system keeps the folder.
constexpr std::uint32_t k_settable_flags =
    FS_SECRM_FL | FS_UNRM_FL | FS_COMPR_FL | FS_SYNC_FL | FS_IMMUTABLE_FL | FS_APPEND_FL |
    FS_NODUMP_FL | FS_NOATIME_FL | FS_NOCOMP_FL | FS_JOURNAL_DATA_FL | FS_NOTAIL_FL |
    FS_DIRSYNC_FL | FS_TOPDIR_FL | FS_NOCOW_FL | FS_PROJINHERIT_FL | FS_CASEFOLD_FL;

constexpr int k_folder_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

Time to_time(const struct statx_timestamp& stamp) {
  return {stamp.tv_sec, stamp.tv_nsec};
}

Stat to_stat(const struct statx& raw) {
  Stat out;
  out.device = makedev(raw.stx_dev_major, raw.stx_dev_minor);
  out.inode = raw.stx_ino;
  out.size = raw.stx_size;
  out.mtime = to_time(raw.stx_mtime);
  out.ctime = to_time(raw.stx_ctime);
  out.mode = raw.stx_mode;
  out.links = raw.stx_nlink;
  out.owner = raw.stx_uid;
  out.group = raw.stx_gid;
  return out;
}

timespec to_timespec(Time time) {
  timespec out{};
  out.tv_sec = time.seconds;
  out.tv_nsec = time.nanoseconds;
  return out;
}

EntryType type_of(unsigned char type) {
  switch (type) {
  case DT_UNKNOWN:
    return EntryType::unknown;
  case DT_DIR:
    return EntryType::folder;
  default:
    return EntryType::other;
  }
}

bool means_no_folder(int error_number) {
  return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP;
}

/// `list` is as listxattr(2).
template<typename List>
std::vector<std::string> names_of_xattrs(const List& list, const std::string& path) {
  std::vector<std::string> out;
  std::array<char, 1024> few{}; // most often there are none
  std::string many;
  char* names = few.data();
  ssize_t size = list(names, few.size());
  if (size < 0 && errno == ERANGE) {
    many.resize(XATTR_LIST_MAX);
    names = many.data();
    size = list(names, many.size());
  }
  if (size < 0 && errno != EOPNOTSUPP) {
    throw Error("look at the attributes of", {path}, errno);
  }
  for (ssize_t at = 0; at < size; at += static_cast<ssize_t>(out.back().size()) + 1) {
    out.emplace_back(names + at);
  }
  return out;
}

} // namespace

Dir Dir::open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), k_folder_flags));
  if (!fd) {
    throw Error("open the folder", {path}, errno);
  }
  return {std::move(fd), path};
}

Dir Dir::open_child(const char* name) const {
  UniqueFd fd(::openat(m_fd.get(), name, k_folder_flags | O_NOFOLLOW));
  if (!fd) {
    const int error_number = errno;
    throw Error("open the folder", {path_of(name)}, error_number,
                error_number == EMFILE ? "raise the limit of open files (ulimit -n)" : "");
  }
  return {std::move(fd), path_of(name)};
}

Dir Dir::follow_child(const char* name) const {
  UniqueFd fd(::openat(m_fd.get(), name, k_folder_flags));
  if (!fd) {
    throw Error("open the folder", {path_of(name)}, errno);
  }
  return {std::move(fd), path_of(name)};
}

std::optional<Dir> Dir::try_open_child(const char* name) const {
  return try_open(name, k_folder_flags);
}

std::optional<Dir> Dir::try_begin_at(const char* name) const {
  return try_open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

std::optional<Dir> Dir::try_open(const char* name, int flags) const {
  UniqueFd fd(::openat(m_fd.get(), name, flags | O_NOFOLLOW));
  if (!fd) {
    const int error_number = errno;
    if (means_no_folder(error_number)) {
      return std::nullopt;
    }
    throw Error("open the folder", {path_of(name)}, error_number);
  }
  return Dir(std::move(fd), path_of(name));
}

void Dir::make_folder(const char* name, std::uint32_t permissions) const {
  if (::mkdirat(m_fd.get(), name, permissions) != 0) {
    throw Error("make the folder", {path_of(name)}, errno);
  }
}

Dir Dir::ensure_child(const char* name, std::uint32_t permissions) const {
  if (::mkdirat(m_fd.get(), name, permissions) != 0 && errno != EEXIST) {
    throw Error("make the folder", {path_of(name)}, errno);
  }
  return open_child(name);
}

std::string Dir::path_of(const char* name) const {
  return m_path.ends_with('/') ? m_path + name : m_path + "/" + name;
}

std::vector<DirEntry> Dir::entries() const {
  // fdopendir takes it over. Opening the folder once more would cost a call to its server.
  UniqueFd fd(::fcntl(m_fd.get(), F_DUPFD_CLOEXEC, 0));
  if (!fd || ::lseek(fd.get(), 0, SEEK_SET) != 0) {
    throw Error("read the folder", {m_path}, errno);
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.get()), ::closedir);
  if (!stream) {
    throw Error("read the folder", {m_path}, errno);
  }
  fd.release();
  std::vector<DirEntry> out;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get()); // NOLINT(concurrency-mt-unsafe): own stream
    if (entry == nullptr) {
      if (errno != 0) {
        throw Error("read the folder", {m_path}, errno);
      }
      return out;
    }
    if (std::strcmp(entry->d_name, ".") != 0 && std::strcmp(entry->d_name, "..") != 0) {
      out.push_back({entry->d_name, type_of(entry->d_type), entry->d_ino});
    }
  }
}

Stat Dir::stat() const {
  return os::stat_of(m_fd.get(), m_path);
}

std::optional<Stat> Dir::try_stat(const char* name, Freshness freshness) const {
  struct statx raw {};
  const int sync = freshness == Freshness::server ? AT_STATX_FORCE_SYNC : AT_STATX_SYNC_AS_STAT;
  if (::statx(m_fd.get(), name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | sync, k_stat_mask, &raw) !=
      0) {
    const int error_number = errno;
    if (means_no_folder(error_number)) {
      return std::nullopt;
    }
    throw Error("stat", {path_of(name)}, error_number);
  }
  return to_stat(raw);
}

Stat Dir::stat_of(const char* name, Freshness freshness) const {
  auto found = try_stat(name, freshness);
  if (!found) {
    throw Error("stat", {path_of(name)}, ENOENT);
  }
  return *found;
}

UniqueFd Dir::open_file(const char* name, int flags, std::uint32_t permissions) const {
  // O_NONBLOCK: a FIFO that took the file's place must not hang us; regular files ignore it.
  UniqueFd fd(::openat(m_fd.get(), name, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, permissions));
  if (!fd) {
    throw Error("open", {path_of(name)}, errno);
  }
  return fd;
}

UniqueFd Dir::open_to_read(const char* name) const {
  return open_file(name, O_RDONLY);
}

UniqueFd Dir::create_file(const char* name, std::uint32_t permissions) const {
  return open_file(name, O_RDWR | O_CREAT | O_EXCL, permissions);
}

std::string Dir::read_symlink(const char* name) const {
  std::string text(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(m_fd.get(), name, text.data(), text.size());
  if (length < 0) {
    throw Error("read the symlink", {path_of(name)}, errno);
  }
  text.resize(static_cast<std::size_t>(length));
  return text;
}

void Dir::make_symlink(const char* name, const char* target) const {
  if (::symlinkat(target, m_fd.get(), name) != 0) {
    throw Error("make the symlink", {path_of(name)}, errno);
  }
}

void Dir::unlink_if_present(const char* name) const {
  if (::unlinkat(m_fd.get(), name, 0) != 0 && errno != ENOENT) {
    throw Error("remove", {path_of(name)}, errno);
  }
}

void Dir::rename(const char* name, const Dir& target, const char* target_name) const {
  if (::renameat(m_fd.get(), name, target.m_fd.get(), target_name) != 0) {
    throw Error("rename", {path_of(name), target.path_of(target_name)}, errno);
  }
}

void Dir::set_times(const char* name, Time mtime) const {
  const timespec times[2] = {to_timespec(mtime), to_timespec(mtime)};
  if (::utimensat(m_fd.get(), name, times, AT_SYMLINK_NOFOLLOW) != 0) {
    throw Error("set the times of", {path_of(name)}, errno);
  }
}

void Dir::set_permissions(const char* name, std::uint32_t permissions) const {
  int failed = ::fchmodat(m_fd.get(), name, permissions, AT_SYMLINK_NOFOLLOW);
  // The C library goes through /proc for that, where it is mounted.
  if (failed != 0 && errno == EOPNOTSUPP && !stat_of(name).is_symlink()) {
    failed = ::fchmodat(m_fd.get(), name, permissions, 0);
  }
  if (failed != 0) {
    throw Error("set the mode of", {path_of(name)}, errno);
  }
}

void Dir::set_times(Time mtime) const {
  os::set_times(m_fd.get(), mtime, m_path);
}

void Dir::set_permissions(std::uint32_t permissions) const {
  os::set_permissions(m_fd.get(), permissions, m_path);
}

std::vector<std::string> Dir::xattrs() const {
  return names_of_xattrs(
      [this](char* names, std::size_t size) { return ::flistxattr(m_fd.get(), names, size); },
      m_path);
}

std::vector<std::string> Dir::xattrs_of_symlink(const char* name) const {
  // No call takes a descriptor and a name before Linux 6.13.
  const auto path = os::format("/proc/self/fd/{}/{}", m_fd.get(), name);
  return names_of_xattrs(
      [&](char* names, std::size_t size) { return ::llistxattr(path.c_str(), names, size); },
      path_of(name));
}

FolderFlags FolderFlags::inherited() const noexcept {
  return {flags & ~static_cast<std::uint32_t>(FS_TOPDIR_FL),
          (flags & FS_PROJINHERIT_FL) != 0 ? project : 0};
}

FolderFlags Dir::flags() const {
  const auto ask = [this](unsigned long request, void* answer) {
    const bool done = ::ioctl(m_fd.get(), request, answer) == 0;
    if (!done && errno != ENOTTY && errno != EOPNOTSUPP && errno != EINVAL && errno != ENOSYS) {
      throw Error("look at the flags of", {m_path}, errno);
    }
    return done;
  };
  int flags = 0; // whatever the request's name says
  struct fsxattr more = {};
  FolderFlags out;
  if (ask(FS_IOC_GETFLAGS, &flags)) {
    out.flags = static_cast<std::uint32_t>(flags) & k_settable_flags;
  }
  if (ask(FS_IOC_FSGETXATTR, &more)) {
    out.project = more.fsx_projid;
  }
  return out;
}

void Dir::remove_xattr(const char* name) const {
  if (::fremovexattr(m_fd.get(), name) != 0 && errno != ENODATA) {
    throw Error(os::format("remove the attribute {} of", name), {m_path}, errno);
  }
}

Stat stat_of(int fd, const std::string& path, Freshness freshness) {
  struct statx raw {};
  const int sync = freshness == Freshness::server ? AT_STATX_FORCE_SYNC : AT_STATX_SYNC_AS_STAT;
  if (::statx(fd, "", AT_EMPTY_PATH | sync, k_stat_mask, &raw) != 0) {
    throw Error("stat", {path}, errno);
  }
  return to_stat(raw);
}

void set_permissions(int fd, std::uint32_t permissions, const std::string& path) {
  if (::fchmod(fd, permissions) != 0) {
    throw Error("set the mode of", {path}, errno);
  }
}

void set_times(int fd, Time mtime, const std::string& path) {
  const timespec times[2] = {to_timespec(mtime), to_timespec(mtime)};
  if (::futimens(fd, times) != 0) {
    throw Error("set the times of", {path}, errno);
  }
}

Time clock_of(const Dir& dir) {
  // The time as well: containers that share the folder may share the number.
  const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
  const std::string probe = ".clock." + std::to_string(now) + "." + std::to_string(::getpid());
  const UniqueFd fd = dir.create_file(probe.c_str());
  const Time out = stat_of(fd.get(), dir.path_of(probe.c_str())).ctime;
  dir.unlink_if_present(probe.c_str());
  return out;
}

bool is_local(const Dir& dir) noexcept {
  struct statfs raw {};
  if (::fstatfs(dir.fd(), &raw) != 0) {
    return false;
  }
  constexpr std::array<unsigned, 5> k_local{EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                            TMPFS_MAGIC, F2FS_SUPER_MAGIC};
  return std::ranges::find(k_local, static_cast<unsigned>(raw.f_type)) != k_local.end();
}

int link_file(const Dir& from, const char* from_name, const Dir& to, const char* to_name,
              std::uint64_t inode) noexcept {
  if (::linkat(from.fd(), from_name, to.fd(), to_name, 0) == 0) {
    return 0;
  }
  const int error_number = errno;
  if (error_number == EEXIST) {
    struct statx raw {};
    if (::statx(to.fd(), to_name, AT_SYMLINK_NOFOLLOW, STATX_INO, &raw) == 0 &&
        raw.stx_ino == inode) {
      return 0;
    }
  }
  return error_number;
}

} // namespace snapfix::os
