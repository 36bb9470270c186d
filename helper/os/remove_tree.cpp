#include "os/remove_tree.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/parallel.hpp"
#include "os/process.hpp"

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <utility>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

namespace snapfix::os {
namespace {

/// Works by folder, from as many threads as are of use.
class Remover {
public:
  Remover(const Dir& parent, Progress* progress)
      : m_parent(parent), m_progress(progress), m_queue(k_adapt) {}

  std::vector<std::string> remove(const char* name);

private:
  /// A folder that is being emptied.
  struct Folder {
    std::shared_ptr<Folder> above; ///< nothing: the parent of all
    std::string name;
    Dir dir;
    std::size_t entries = 0;
    std::atomic<std::size_t> pending{1}; ///< folders in it, and the look at it itself
    std::atomic<bool> keeps{false};      ///< something in it stays
  };
  struct Task {
    std::shared_ptr<Folder> above;
    std::string name;
  };

  const Dir& dir_of(const std::shared_ptr<Folder>& folder) const {
    return folder ? folder->dir : m_parent;
  }
  bool is_removed(const Dir& parent, const DirEntry& entry, bool& is_folder);
  bool empty(const Task& task, const std::shared_ptr<Folder>& here);
  void finish(std::shared_ptr<Folder> folder);
  static int unlink(const Dir& parent, const char* name, int flags);
  void leave(const Dir& parent, const char* name, int error_number);

  const Dir& m_parent;
  Progress* m_progress;
  WorkQueue<Task> m_queue;
  std::mutex m_mutex;
  std::vector<std::string> m_left;
};

/// Whether the folder `here` in `above` is the top of a mount.
bool is_mounted_on(int above, int here) {
  struct statx stat {};
  struct stat above_stat {};
  struct stat here_stat {};
  return (::statx(here, "", AT_EMPTY_PATH, 0, &stat) == 0 &&
          (stat.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0) ||
         ::fstat(above, &above_stat) != 0 || ::fstat(here, &here_stat) != 0 ||
         above_stat.st_dev != here_stat.st_dev;
}

/// Opens a folder unless it is a symlink or another file system is mounted there: -1 and errno.
int open_without_crossing(int parent, const char* name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH;
  const auto fd = static_cast<int>(::syscall(SYS_openat2, parent, name, &how, sizeof how));
  if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) {
    return fd;
  }
  // Old kernels, and sandboxes that do not know openat2. Their statx may not tell mounts, either:
  // then the device number does, unless it is a bind mount.
  UniqueFd plain(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (plain && is_mounted_on(parent, plain.get())) {
    errno = EXDEV;
    return -1;
  }
  return plain.release();
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

void Remover::leave(const Dir& parent, const char* name, int error_number) {
  const char* why = error_number == EXDEV
                        ? "another file system is mounted there: unmount it"
                        : std::strerror(error_number); // NOLINT(concurrency-mt-unsafe)
  auto text = os::format("{}: {}", parent.path_of(name), why);
  const std::scoped_lock lock(m_mutex);
  m_left.push_back(std::move(text));
}

std::vector<std::string> Remover::remove(const char* name) {
  bool is_folder = false;
  if (!is_removed(m_parent, {name, EntryType::unknown}, is_folder) && is_folder) {
    m_queue.add({nullptr, name});
    m_queue.run([this](const Task& task) {
      const auto here = std::make_shared<Folder>();
      here->above = task.above;
      here->name = task.name;
      if (!empty(task, here)) {
        here->keeps = true;
      }
      const std::size_t entries = here->entries;
      if (m_progress != nullptr) {
        m_progress->count(entries);
      }
      finish(here);
      return entries;
    });
  }
  return std::move(m_left);
}

/// Whether the entry is gone; if not, it is a folder or has been named among what stays.
bool Remover::is_removed(const Dir& parent, const DirEntry& entry, bool& is_folder) {
  const char* name = entry.name.c_str();
  is_folder = entry.type == EntryType::folder;
  if (is_folder) {
    return false;
  }
  const int failed = unlink(parent, name, 0);
  if (failed == 0) {
    return true;
  }
  is_folder = entry.type == EntryType::unknown && (failed == EISDIR || failed == EPERM);
  if (!is_folder) {
    leave(parent, name, failed);
  }
  return false;
}

/// Removes what is in a folder, but for the folders in it, which become tasks. False if the folder
/// itself is to stay.
bool Remover::empty(const Task& task, const std::shared_ptr<Folder>& here) {
  const Dir& parent = dir_of(task.above);
  const char* name = task.name.c_str();
  UniqueFd fd(open_without_crossing(parent.fd(), name));
  if (!fd && errno == EACCES && open_up(parent, name)) {
    fd = UniqueFd(open_without_crossing(parent.fd(), name));
  }
  if (!fd) {
    int failed = errno;
    if (failed == ENOTDIR || failed == ELOOP) { // a file or a symlink has taken its place
      failed = unlink(parent, name, 0);
    }
    if (failed == 0 || failed == ENOENT) {
      return true;
    }
    leave(parent, name, failed);
    return false;
  }
  here->dir = Dir::adopt(std::move(fd), parent.path_of(name));
  std::vector<DirEntry> entries;
  try {
    entries = here->dir.entries();
    here->entries = entries.size();
  } catch (const Error& error) {
    if (error.error_number() == ENOENT) {
      return true; // another process removes it, too
    }
    leave(parent, name, error.error_number());
    return false;
  }
  bool keeps = false;
  for (auto& entry : entries) {
    bool is_folder = false;
    if (is_removed(here->dir, entry, is_folder)) {
      continue;
    }
    if (is_folder) {
      ++here->pending;
      m_queue.add({here, std::move(entry.name)});
    } else {
      keeps = true;
    }
  }
  return !keeps;
}

/// One that it waited for is done: the last one takes the folder along, and may be the last of the
/// folder above.
void Remover::finish(std::shared_ptr<Folder> folder) {
  while (folder && --folder->pending == 0) {
    folder->dir = Dir();
    const auto above = folder->above;
    const Dir& parent = dir_of(above);
    if (!folder->keeps) {
      const int failed = unlink(parent, folder->name.c_str(), AT_REMOVEDIR);
      if (failed != 0) {
        leave(parent, folder->name.c_str(), failed);
        folder->keeps = true;
      }
    }
    if (above && folder->keeps) {
      above->keeps = true;
    }
    folder = above;
  }
}

/// rename(2), but never over another file: 0 or the errno.
int rename_to_free_name(const Dir& dir, const char* from, const char* to) {
  if (::renameat2(dir.fd(), from, dir.fd(), to, RENAME_NOREPLACE) == 0) {
    return 0;
  }
  if (errno != EINVAL && errno != ENOSYS) {
    return errno;
  }
  // A file system without that flag, as NFS, and perhaps without hard links.
  if (::linkat(dir.fd(), from, dir.fd(), to, 0) == 0) {
    return ::unlinkat(dir.fd(), from, 0) == 0 ? 0 : errno;
  }
  const int failed = errno;
  if (failed != EPERM && failed != EOPNOTSUPP && failed != ENOSYS && failed != EMLINK) {
    return failed;
  }
  if (dir.try_stat(to)) {
    return EEXIST;
  }
  return ::renameat(dir.fd(), from, dir.fd(), to) == 0 ? 0 : errno;
}

/// The name that a file is moved to; empty if there is none.
std::string move_aside(const Dir& dir, const char* name) {
  for (unsigned i = 0;; ++i) {
    std::string aside = std::string(k_aside) + std::to_string(i);
    const int failed = rename_to_free_name(dir, name, aside.c_str());
    if (failed == 0) {
      return aside;
    }
    if (failed == ENOENT) {
      return {};
    }
    if (failed != EEXIST) {
      throw Error("remove", {dir.path_of(name)}, failed);
    }
  }
}

void put_back(const Dir& dir, const std::string& aside, const char* name) {
  const int failed = rename_to_free_name(dir, aside.c_str(), name);
  if (failed != 0) {
    throw Error(
        "move back", {dir.path_of(aside.c_str()), dir.path_of(name)}, failed,
        "other processes made both: keep the one that you want under its name, then run it again");
  }
}

} // namespace

bool remove_if(const Dir& dir, const char* name, const std::function<bool(const char*)>& is_meant) {
  const std::string aside = move_aside(dir, name);
  if (aside.empty()) {
    return true;
  }
  bool is_ours = false;
  try {
    is_ours = is_meant(aside.c_str());
  } catch (...) {
    put_back(dir, aside, name);
    throw;
  }
  if (is_ours) {
    dir.unlink_if_present(aside.c_str());
  } else {
    put_back(dir, aside, name);
  }
  return is_ours;
}

bool remove_if_empty(const Dir& parent, const char* name) {
  if (::unlinkat(parent.fd(), name, AT_REMOVEDIR) == 0 || errno == ENOENT) {
    return true;
  }
  if (errno != ENOTEMPTY && errno != EEXIST && errno != ENOTDIR) {
    throw Error("remove", {parent.path_of(name)}, errno);
  }
  return false;
}

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

std::optional<Dir> open_own_folder(const Dir& parent, const char* name) {
  constexpr std::uint32_t k_owner_reads = 0500;
  const auto is_closed = [](const Stat& stat) {
    return stat.owner == effective_user() && (stat.permissions() & k_owner_reads) != k_owner_reads;
  };
  try {
    auto out = parent.try_open_child(name);
    if (out && effective_user() != 0 && is_closed(out->stat())) { // root may look into any
      open_up(parent, name); // else what is in it could be listed, and not looked at
    }
    return out;
  } catch (const Error& error) {
    const auto stat = error.error_number() == EACCES ? parent.try_stat(name) : std::nullopt;
    if (!stat || (stat->owner == effective_user() && !is_closed(*stat))) {
      throw; // for another reason than its mode
    }
    // One that is not ours to open (a container's) is as one that is missing.
    return open_up(parent, name) ? parent.try_open_child(name) : std::nullopt;
  }
}

std::vector<std::string> remove_tree(const Dir& parent, const char* name, Progress* progress) {
  return Remover(parent, progress).remove(name);
}

} // namespace snapfix::os
