#include "guard/folder_watcher.hpp"

#include "os/dir.hpp"

#include <array>
#include <climits>
#include <cstring>
#include <string_view>

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

constexpr std::uint32_t k_changes = IN_CREATE | IN_DELETE | IN_MOVE;
constexpr int k_own_moves = 2; ///< an exchange is a move from and a move to the name

} // namespace

FolderWatcher::FolderWatcher() : m_inotify(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {}

FolderAsItWas::FolderAsItWas(FolderWatcher& watcher, const Place& place)
    : m_watcher(watcher), m_place(place), m_lock(watcher.m_mutex),
      m_watch(::inotify_add_watch(watcher.m_inotify.get(),
                                  os::path_of_descriptor(place.folder.get()).c_str(),
                                  k_changes | IN_ONLYDIR)),
      m_known(::fstat(place.folder.get(), &m_stat) == 0) {
  const int folder = place.folder.get();
  if (m_known && ::faccessat(folder, ".", W_OK | X_OK, AT_EACCESS) != 0) {
    m_opened = (m_stat.st_mode & os::k_permissions) | S_IWUSR | S_IXUSR;
    if (::chmod(os::path_of_descriptor(folder).c_str(), m_opened) != 0) {
      m_opened = 0;
    }
  }
}

FolderAsItWas::~FolderAsItWas() {
  const std::string path = os::path_of_descriptor(m_place.folder.get());
  struct stat now {};
  if (m_opened != 0 && ::fstat(m_place.folder.get(), &now) == 0 &&
      (now.st_mode & os::k_permissions) == m_opened) { // else somebody else has changed it
    ::chmod(path.c_str(), m_stat.st_mode & os::k_permissions);
  }
  if (!m_known || m_watch < 0) {
    return;
  }
  const std::array<timespec, 2> times{m_stat.st_atim, m_stat.st_mtim};
  ::utimensat(AT_FDCWD, path.c_str(), times.data(), 0);
  // The kernel changes a folder, tells of it and sets its times under one lock: what came before
  // our times is heard of now, and what comes later sets its own.
  if (others_changed_it()) {
    ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  }
  ::inotify_rm_watch(m_watcher.m_inotify.get(), m_watch);
}

/// By what was heard since the beginning.
bool FolderAsItWas::others_changed_it() const {
  alignas(inotify_event) std::array<char, 16 * (sizeof(inotify_event) + NAME_MAX + 1)> buffer{};
  int moves = 0;
  for (;;) {
    const ssize_t got = ::read(m_watcher.m_inotify.get(), buffer.data(), buffer.size());
    if (got <= 0) {
      return moves > k_own_moves;
    }
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, &buffer.at(at), sizeof event);
      const std::string_view name(event.len > 0 ? &buffer.at(at + sizeof event) : "");
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) {
        return true;
      }
      if (event.wd != m_watch || (event.mask & k_changes) == 0 ||
          name.starts_with(k_staging_prefix)) {
        continue; // the end of an earlier watch, or our own doing
      }
      if (name != m_place.name || (event.mask & IN_MOVE) == 0) {
        return true;
      }
      ++moves;
    }
  }
}

} // namespace snapfix::guard
