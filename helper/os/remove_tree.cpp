#include "os/remove_tree.hpp"

#include "os/error.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

namespace snapfix::os {
namespace {

class Remover {
public:
  /// False if something of `name` stays.
  bool remove(const Dir& parent, const DirEntry& entry);

  std::vector<std::string> m_left;

private:
  bool remove_folder(const Dir& parent, const char* name);
  int unlink(const Dir& parent, const char* name, int flags);
  bool leave(const Dir& parent, const char* name, int error_number);
};

constexpr unsigned k_owner_all = 0700;

/// Opens a folder unless it is a symlink or another file system is mounted there: -1 and errno.
int open_without_crossing(int parent, const char* name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  const auto fd = static_cast<int>(::syscall(SYS_openat2, parent, name, &how, sizeof how));
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) {
    return fd;
  }
  // Old kernels, and sandboxes that do not know openat2: a mount shows by its device number.
  const int plain = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat above {};
  struct stat here {};
  if (plain >= 0 && ::fstat(parent, &above) == 0 && ::fstat(plain, &here) == 0 &&
      above.st_dev != here.st_dev) {
    ::close(plain);
    errno = EXDEV;
    return -1;
  }
  return plain;
}

int Remover::unlink(const Dir& parent, const char* name, int flags) {
  if (::unlinkat(parent.fd(), name, flags) == 0 || errno == ENOENT) {
    return 0;
  }
  if (errno == EACCES && ::fchmod(parent.fd(), k_owner_all) == 0 &&
      ::unlinkat(parent.fd(), name, flags) == 0) {
    return 0;
  }
  return errno;
}

bool Remover::leave(const Dir& parent, const char* name, int error_number) {
  m_left.push_back(fmt::format("{}: {}", parent.path_of(name),
                               std::strerror(error_number))); // NOLINT(concurrency-mt-unsafe)
  return false;
}

bool Remover::remove(const Dir& parent, const DirEntry& entry) {
  const char* name = entry.name.c_str();
  if (entry.type != EntryType::folder) {
    const int failed = unlink(parent, name, 0);
    if (failed == 0) {
      return true;
    }
    const bool may_be_folder = failed == EISDIR || failed == EPERM;
    if (entry.type != EntryType::unknown || !may_be_folder) {
      return leave(parent, name, failed);
    }
  }
  return remove_folder(parent, name);
}

bool Remover::remove_folder(const Dir& parent, const char* name) {
  UniqueFd fd(open_without_crossing(parent.fd(), name));
  if (!fd && errno == EACCES && open_up(parent, name)) {
    fd = UniqueFd(open_without_crossing(parent.fd(), name));
  }
  if (!fd) {
    return errno == ENOENT || leave(parent, name, errno);
  }
  bool empty = true;
  {
    std::optional<Dir> folder(Dir::adopt(std::move(fd), parent.path_of(name)));
    std::vector<DirEntry> entries;
    try {
      entries = folder->entries();
    } catch (const Error& error) {
      return leave(parent, name, error.error_number());
    }
    for (const auto& entry : entries) {
      empty = remove(*folder, entry) && empty;
    }
  }
  if (!empty) {
    return false; // what is left in it has been named
  }
  const int failed = unlink(parent, name, AT_REMOVEDIR);
  return failed == 0 || leave(parent, name, failed);
}

} // namespace

Dir open_on_same_mount(const Dir& parent, const char* name) {
  UniqueFd fd(open_without_crossing(parent.fd(), name));
  if (!fd) {
    throw Error("open the folder", {parent.path_of(name)}, errno);
  }
  return Dir::adopt(std::move(fd), parent.path_of(name));
}

bool open_up(const Dir& parent, const char* name) noexcept {
  const UniqueFd fd(::openat(parent.fd(), name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  // fchmod refuses O_PATH descriptors; their magic link in /proc cannot be redirected.
  return fd && ::chmod(path_of_descriptor(fd.get()).c_str(), k_owner_all) == 0;
}

std::vector<std::string> remove_tree(const Dir& parent, const char* name) {
  Remover remover;
  remover.remove(parent, {name, EntryType::unknown});
  return std::move(remover.m_left);
}

} // namespace snapfix::os
