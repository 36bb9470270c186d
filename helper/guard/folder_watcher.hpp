#pragma once

#include "guard/place.hpp"
#include "os/fd.hpp"

#include <mutex>

#include <sys/stat.h>

namespace snapfix::guard {

/// Hears what happens in a folder, one at a time.
class FolderWatcher {
public:
  FolderWatcher();

private:
  friend class FolderAsItWas;
  os::UniqueFd m_inotify;
  std::mutex m_mutex;
};

/// A file's folder, in which its link is broken while this lives: it gets its mtime back, since
/// a write in place would not have touched it. Not if others have changed the folder meanwhile:
/// then they are right. (On a network file system changes by other hosts are not heard of.) One
/// that its owner closed is opened for us meanwhile.
class FolderAsItWas {
public:
  FolderAsItWas(FolderWatcher& watcher, const Place& place);
  FolderAsItWas(const FolderAsItWas&) = delete;
  FolderAsItWas& operator=(const FolderAsItWas&) = delete;
  ~FolderAsItWas();

private:
  bool others_changed_it() const;

  FolderWatcher& m_watcher;
  const Place& m_place;
  std::unique_lock<std::mutex> m_lock;
  int m_watch;
  struct stat m_stat {};
  bool m_known;
  mode_t m_opened = 0; ///< the mode that we gave it
};

} // namespace snapfix::guard
