#include "os/folder_lock.hpp"

#include <cerrno>

#include <sys/file.h>

namespace snapfix::os {

void share_folder(const Dir& dir) noexcept {
  while (::flock(dir.fd(), LOCK_SH) != 0 && errno == EINTR) {
  }
}

bool take_folder(const Dir& dir) noexcept {
  return ::flock(dir.fd(), LOCK_EX | LOCK_NB) == 0;
}

} // namespace snapfix::os
