#include "os/lock.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/time_text.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <thread>

#include <fcntl.h>

namespace snapfix::os {
namespace {

constexpr std::chrono::milliseconds k_first_pause{5};
constexpr std::chrono::milliseconds k_longest_pause{200};

// A lock is the first byte of its file. Who waits to have it alone holds the second byte, and
// whoever wants to share it passes through there: those who share cannot keep that one out for
// ever.
constexpr off_t k_lock = 0;
constexpr off_t k_gate = 1;

bool lock_now(int fd, short type, off_t byte, const std::string& path) {
  struct flock range {};
  range.l_type = type;
  range.l_whence = SEEK_SET;
  range.l_start = byte;
  range.l_len = 1;
  for (;;) {
    if (::fcntl(fd, F_OFD_SETLK, &range) == 0) {
      return true;
    }
    if (errno == EAGAIN || errno == EACCES) {
      return false;
    }
    if (errno != EINTR) {
      throw Error("lock", {path}, errno,
                  "the root's file system has no file locks: choose another --root, or mount it "
                  "with locks (Lustre: -o flock)");
    }
  }
}

/// The lock may have been won on a file that its last owner removed: then it protects nothing.
bool still_named(int fd, const Dir& dir, const std::string& name) {
  const auto named = dir.try_stat(name.c_str(), Freshness::server);
  return named && named->inode == stat_of(fd, dir.path_of(name.c_str())).inode;
}

void write_owner(int fd, const std::string& purpose) {
  const std::string text = os::format("{} (pid {} on {}, since {})\n", purpose, ::getpid(),
                                      host_name(), to_local_text(now()));
  // For people only: a lock whose text could not be written holds all the same. The rest of a
  // longer text stays behind it: ext4 writes to the disk at once what was truncated and written.
  [[maybe_unused]] const ssize_t written = ::pwrite(fd, text.data(), text.size(), 0);
}

std::string owner_of(const Dir& dir, const std::string& name) {
  auto text = read_small_file(dir, name.c_str()).value_or("");
  text.erase(std::ranges::find(text, '\n'), text.end());
  return text.empty() ? "another process" : text;
}

/// Who waits for one of its ancestors waits for ever: that one waits for it. The number of a
/// process of another pid namespace may be that of an ancestor of ours, but hardly of another
/// snapfix.
void refuse_to_wait_for_ancestor(const std::string& owner, const std::string& subject) {
  constexpr std::string_view k_pid = "(pid ";
  const auto at = owner.rfind(k_pid);
  if (at == std::string::npos || owner.find(" on " + host_name() + ",", at) == std::string::npos) {
    return;
  }
  const auto pid = static_cast<pid_t>(std::strtol(&owner[at + k_pid.size()], nullptr, 10));
  if (pid != ::getpid() && process_name(pid) == process_name(::getpid()) && is_ancestor(pid)) {
    throw Error(os::format("{} is in use by {}, in which this command runs", subject, owner),
                "it would wait for itself: do it from outside");
  }
}

UniqueFd open_lock_file(const Dir& dir, const std::string& name) {
  return dir.open_file(name.c_str(), O_RDWR | O_CREAT, 0666);
}

} // namespace

std::optional<Lock> Lock::try_acquire(const Dir& dir, const std::string& name,
                                      const std::string& purpose, LockMode mode) {
  for (;;) {
    UniqueFd fd = open_lock_file(dir, name);
    const std::string path = dir.path_of(name.c_str());
    if (mode == LockMode::exclusive) {
      if (!lock_now(fd.get(), F_WRLCK, k_lock, path)) {
        return std::nullopt;
      }
    } else if (mode == LockMode::past_gate) {
      if (!lock_now(fd.get(), F_RDLCK, k_lock, path)) {
        return std::nullopt;
      }
    } else {
      if (!lock_now(fd.get(), F_RDLCK, k_gate, path) ||
          !lock_now(fd.get(), F_RDLCK, k_lock, path)) {
        return std::nullopt;
      }
      lock_now(fd.get(), F_UNLCK, k_gate, path);
    }
    if (still_named(fd.get(), dir, name)) {
      write_owner(fd.get(), purpose);
      return Lock(std::move(fd));
    }
  }
}

bool Lock::is_held(const Dir& dir, const std::string& name) {
  UniqueFd fd;
  try {
    fd = dir.open_file(name.c_str(), O_RDWR);
  } catch (const Error& error) {
    if (error.error_number() == ENOENT) {
      return false;
    }
    throw;
  }
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = k_lock;
  range.l_len = 1;
  if (::fcntl(fd.get(), F_OFD_GETLK, &range) != 0) {
    throw Error("ask for the lock", {dir.path_of(name.c_str())}, errno);
  }
  return range.l_type != F_UNLCK;
}

Lock Lock::acquire(const Dir& dir, const std::string& name, const std::string& purpose,
                   LockMode mode, Patience patience, const std::string& what) {
  const std::string subject = os::quoted(what.empty() ? dir.path_of(name.c_str()) : what);
  const auto begin = std::chrono::steady_clock::now();
  bool said = false;
  UniqueFd gate; // ours from the first failure on
  bool at_gate = false;
  for (auto pause = k_first_pause;; pause = std::min(pause * 2, k_longest_pause)) {
    if (auto lock = try_acquire(dir, name, purpose, mode)) {
      return std::move(*lock);
    }
    if (mode == LockMode::exclusive && !at_gate) {
      gate = open_lock_file(dir, name);
      at_gate = lock_now(gate.get(), F_WRLCK, k_gate, dir.path_of(name.c_str()));
    }
    if (!said) {
      refuse_to_wait_for_ancestor(owner_of(dir, name), subject);
    }
    if (patience && std::chrono::steady_clock::now() - begin >= *patience) {
      throw Error(os::format("{} is in use by {}", subject, owner_of(dir, name)),
                  "wait for it, or give it longer with --wait SECONDS");
    }
    // Most locks are held for milliseconds: those are not worth a word.
    if (!said && std::chrono::steady_clock::now() - begin > std::chrono::milliseconds(500)) {
      note(os::format("waiting for {}", owner_of(dir, name)));
      said = true;
    }
    std::this_thread::sleep_for(pause);
  }
}

bool Lock::change(LockMode mode) const {
  return lock_now(m_fd.get(), mode == LockMode::exclusive ? F_WRLCK : F_RDLCK, k_lock, "a lock");
}

void Lock::remove_file(const Dir& dir, const std::string& name) const {
  dir.unlink_if_present(name.c_str());
}

} // namespace snapfix::os
