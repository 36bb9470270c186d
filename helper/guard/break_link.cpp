#include "guard/break_link.hpp"

#include "guard/folder_watcher.hpp"
#include "guard/meeting.hpp"
#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

/// Whether the name leads to the file, and not by something that is mounted there: a rename would
/// replace what the mount hides.
bool lies_there(const struct stat& file, int folder, const std::string& name) {
  struct statx stat {};
  return ::statx(folder, name.c_str(), AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_INO, &stat) ==
             0 &&
         stat.stx_ino == file.st_ino &&
         makedev(stat.stx_dev_major, stat.stx_dev_minor) == file.st_dev &&
         (stat.stx_attributes & STATX_ATTR_MOUNT_ROOT) == 0;
}

int exchange_names(const Place& place, int staging, const std::string& name) {
  return ::renameat2(staging, name.c_str(), place.folder.get(), place.name.c_str(),
                     RENAME_EXCHANGE) == 0
             ? 0
             : errno;
}

/// Puts `name` of the staging folder, which is `ours`, in the place of the shared file. Returns 0;
/// ESTALE if another file is there; else the errno.
///
/// An exchange shows whom we replaced, and spares ext4's flush of a file that replaces another.
int exchange(const struct stat& shared, const struct stat& ours, const Place& place, int staging,
             const std::string& name) {
  int failed = exchange_names(place, staging, name);
  if (failed == EINVAL || failed == ENOSYS) {
    failed =
        ::renameat(staging, name.c_str(), place.folder.get(), place.name.c_str()) == 0 ? 0 : errno;
    return failed == ENOENT ? ESTALE : failed;
  }
  if (failed != 0) {
    return failed == ENOENT ? ESTALE : failed;
  }
  if (lies_there(shared, staging, name)) {
    return 0;
  }
  // Somebody had renamed another file there: back with it. What comes out then is to be what we put
  // there before; else somebody was quicker once more, and the newest file has to stand there.
  struct stat standing = ours;
  struct stat taken {};
  struct stat out {};
  bool known = ::fstatat(staging, name.c_str(), &taken, AT_SYMLINK_NOFOLLOW) == 0;
  while (known && exchange_names(place, staging, name) == 0) {
    known = ::fstatat(staging, name.c_str(), &out, AT_SYMLINK_NOFOLLOW) == 0 &&
            !is_same_file(out, standing);
    standing = std::exchange(taken, out);
  }
  return ESTALE;
}

/// ACLs are xattrs too. Those that only root may set (security.*, trusted.*) are carried where we
/// may. Whether there were any.
bool copy_xattrs(int from, int to) {
  ::fremovexattr(to, "system.posix_acl_access"); // what the folder's default ACL gave it
  const ssize_t size = ::flistxattr(from, nullptr, 0);
  if (size <= 0) {
    return false;
  }
  std::vector<char> names(static_cast<std::size_t>(size));
  const ssize_t got = ::flistxattr(from, names.data(), names.size());
  std::vector<char> value;
  for (ssize_t at = 0; at < got;) {
    const std::string name = &names[static_cast<std::size_t>(at)];
    at += static_cast<ssize_t>(name.size()) + 1;
    const ssize_t length = ::fgetxattr(from, name.c_str(), nullptr, 0);
    value.resize(length > 0 ? static_cast<std::size_t>(length) : 0);
    const ssize_t read = ::fgetxattr(from, name.c_str(), value.data(), value.size());
    if (read >= 0) {
      ::fsetxattr(to, name.c_str(), value.data(), static_cast<std::size_t>(read), 0);
    }
  }
  return true;
}

/// Returns 0 or the errno.
int copy_content(int from, int to, const struct stat& stat) {
  if (stat.st_size == 0 || os::try_reflink(from, to) == 0) {
    return 0;
  }
  try {
    const auto size = static_cast<std::uint64_t>(stat.st_size);
    const auto copied = os::copy_data(from, "the shared file", to, "its copy", size, nullptr);
    return copied == size ? 0 : EIO;
  } catch (const os::Error& error) {
    return error.error_number() != 0 ? error.error_number() : EIO;
  }
}

/// In this order: a change of owner drops setuid bits, and every change the times. Most often the
/// file was made with its mode.
int copy_attributes(int from, int to, const struct stat& stat) {
  struct stat now {};
  if (::fstat(to, &now) != 0) {
    return errno;
  }
  bool may_differ = ((now.st_mode ^ stat.st_mode) & os::k_permissions) != 0;
  if (now.st_uid != stat.st_uid || now.st_gid != stat.st_gid) {
    may_differ = true;
    // An ordinary user cannot give files away; the group may still be one of its own.
    if (::fchown(to, stat.st_uid, stat.st_gid) != 0 && errno == EPERM) {
      [[maybe_unused]] const int ignored = ::fchown(to, static_cast<uid_t>(-1), stat.st_gid);
    }
  }
  may_differ = copy_xattrs(from, to) || may_differ;
  if (may_differ && ::fchmod(to, stat.st_mode & os::k_permissions) != 0) {
    return errno;
  }
  const std::array<timespec, 2> times{stat.st_atim, stat.st_mtim};
  return ::futimens(to, times.data()) == 0 ? 0 : errno;
}

int make_copy(const NamedFile& shared, int to) {
  const os::UniqueFd from(
      ::open(os::path_of_descriptor(shared.file.get()).c_str(), O_RDONLY | O_CLOEXEC));
  if (!from) {
    return errno;
  }
  const int failed = copy_content(from.get(), to, shared.stat);
  return failed != 0 ? failed : copy_attributes(from.get(), to, shared.stat);
}

} // namespace

std::string path_of(const os::UniqueFd& file) {
  std::array<char, PATH_MAX> text{};
  const ssize_t length =
      ::readlink(os::path_of_descriptor(file.get()).c_str(), text.data(), text.size() - 1);
  return {text.data(), length > 0 ? static_cast<std::size_t>(length) : 0};
}

std::optional<Place> find_place(const NamedFile& file) {
  const std::string path = path_of(file.file);
  const auto slash = path.rfind('/');
  if (slash != std::string::npos) {
    Place out;
    const std::string folder = slash == 0 ? "/" : path.substr(0, slash);
    out.folder = os::UniqueFd(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    out.name = path.substr(slash + 1);
    out.path = path;
    if (out.folder && lies_there(file.stat, out.folder.get(), out.name)) {
      return out;
    }
  }
  // In another mount namespace that path means nothing to us, but the walk has found the folder.
  if (file.folder && lies_there(file.stat, file.folder.get(), file.name)) {
    return Place{os::UniqueFd(::openat(file.folder.get(), ".", O_PATH | O_CLOEXEC)), file.name, {}};
  }
  return std::nullopt;
}

int LinkBreaker::open_staging(os::UniqueFd& out) const {
  out = os::UniqueFd(::open(m_staging.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  // Another of our threads may be first to make it.
  if (!out && errno == ENOENT && (::mkdir(m_staging.c_str(), S_IRWXU) == 0 || errno == EEXIST)) {
    out = os::UniqueFd(::open(m_staging.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  }
  return out ? 0 : errno;
}

/// Makes a file that is open for reading and writing; an empty one and the errno in `failed` if it
/// cannot. A name may be taken by what a killed process of our number left.
os::UniqueFd LinkBreaker::new_file(int folder, mode_t mode, std::string& name, int& failed) {
  constexpr int k_most_taken = 100;
  os::UniqueFd out;
  for (int i = 0; i < k_most_taken; ++i) {
    name = os::format("{}{}-{}", k_staging_prefix, ::getpid(), ++m_count);
    out = os::UniqueFd(
        ::openat(folder, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode & ACCESSPERMS));
    failed = out ? 0 : errno;
    if (failed != EEXIST) {
      break;
    }
  }
  return out;
}

int LinkBreaker::break_link(const NamedFile& shared, const Place& place, const std::string& meeting,
                            os::UniqueFd& copy) {
  if (!meeting.empty() && !lies_there(shared.stat, place.folder.get(), place.name)) {
    return ESTALE; // another guard was first
  }
  const Break task{shared, place, meeting};
  os::UniqueFd staging;
  int failed = open_staging(staging);
  if (failed == 0) {
    failed = replace_from(task, staging.get(), copy);
  }
  // Another mount or file system, or a staging folder that is gone: make the copy beside the file.
  if (failed == EXDEV || failed == ENOENT || failed == EACCES || failed == EROFS) {
    const auto turn = Turn::at_names(meeting);
    const FolderAsItWas folder(m_watcher, place);
    failed = replace_from(task, place.folder.get(), copy);
  }
  return failed;
}

int LinkBreaker::replace_from(const Break& task, int staging, os::UniqueFd& copy) {
  const auto& shared = task.shared;
  const auto& place = task.place;
  std::string name;
  int failed = 0;
  os::UniqueFd file = new_file(staging, shared.stat.st_mode, name, failed);
  if (!file) {
    return failed;
  }
  failed = make_copy(shared, file.get());
  copy = os::UniqueFd(::open(os::path_of_descriptor(file.get()).c_str(), O_PATH | O_CLOEXEC));
  file.reset(); // while it is open for writing nobody can run it
  if (failed == 0 && !lies_there(shared.stat, place.folder.get(), place.name)) {
    failed = ESTALE;
  }
  if (failed == 0) {
    failed = put_in_place(task, staging, name, copy);
  }
  ::unlinkat(staging, name.c_str(), 0); // after a rename it is gone
  return failed;
}

/// On success `name` in `staging` may be what was replaced, and `copy` is seen through the mount
/// that the file was in.
int LinkBreaker::put_in_place(const Break& task, int staging, const std::string& name,
                              os::UniqueFd& copy) {
  const auto& [shared, place, meeting] = task;
  struct stat ours {};
  if (::fstat(copy.get(), &ours) != 0) {
    return errno;
  }
  int failed = 0;
  {
    std::optional<Turn> turn;
    std::optional<FolderAsItWas>
        folder; // break_link() has both already where it is the staging one
    if (staging != place.folder.get()) {
      turn.emplace(Turn::at_names(meeting));
      folder.emplace(m_watcher, place);
    }
    failed = exchange(shared.stat, ours, place, staging, name);
  }
  if (failed != 0) {
    return failed;
  }
  os::UniqueFd there(
      ::openat(place.folder.get(), place.name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat stat {};
  if (there && ::fstat(there.get(), &stat) == 0 && is_same_file(stat, ours)) {
    copy = std::move(there);
  }
  return 0;
}

os::UniqueFd LinkBreaker::copy_without_name(const NamedFile& shared, int& failed) {
  os::UniqueFd staging;
  failed = open_staging(staging);
  if (failed != 0) {
    return {};
  }
  std::string name;
  const os::UniqueFd copy = new_file(staging.get(), shared.stat.st_mode, name, failed);
  if (!copy) {
    return {};
  }
  failed = make_copy(shared, copy.get());
  os::UniqueFd out;
  if (failed == 0) {
    out = os::UniqueFd(::open(os::path_of_descriptor(copy.get()).c_str(), O_PATH | O_CLOEXEC));
    failed = out ? 0 : errno;
  }
  ::unlinkat(staging.get(), name.c_str(), 0);
  return out;
}

void LinkBreaker::clear(pid_t breaker) const {
  try {
    const auto dir = os::Dir::open(m_staging);
    for (const auto& entry : dir.entries()) {
      if (entry.name.starts_with(os::format("{}{}-", k_staging_prefix, breaker))) {
        dir.unlink_if_present(entry.name.c_str());
      }
    }
  } catch (const os::Error&) { // it is gone, or whoever comes next clears it
  }
  ::rmdir(m_staging.c_str());
}

} // namespace snapfix::guard
