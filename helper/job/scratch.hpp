#pragma once

#include "os/dir.hpp"
#include "os/lock.hpp"
#include "snapshot/root.hpp"

#include <string>

namespace snapfix::job {

/// A folder in the root's `work/`, for one process and purpose. It goes with this; where we are
/// killed prune removes it, as its name is locked.
class Scratch {
public:
  /// Throws os::Error.
  Scratch(const snapshot::Root& root, const std::string& purpose);
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch();

  const os::Dir& dir() const { return m_dir; }

private:
  const snapshot::Root& m_root;
  std::string m_name;
  os::Lock m_lock;
  os::Dir m_dir;
};

} // namespace snapfix::job
