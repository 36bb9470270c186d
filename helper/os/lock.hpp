#pragma once

#include "os/dir.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace snapfix::os {

enum class LockMode {
  shared,
  exclusive,
  past_gate ///< shared, also where somebody waits to have it alone
};

/// How long to wait for a lock that another process holds; nothing: as long as it takes.
using Patience = std::optional<std::chrono::milliseconds>;

/// A lock on a file, held until destruction.
///
/// It is an open file description lock (fcntl(2), F_OFD_SETLK): the kernel lets it go when its
/// owner ends, however it ends, and network file systems (NFS; Lustre mounted with `flock`) hold
/// it between hosts. Its file says who holds it, for those who wait; the text has no other use.
class Lock {
public:
  /// Waits for the lock of that name in `dir`; says once on stderr for whom. `purpose` is what the
  /// file tells those who wait for us. Throws Error when `patience` is at its end, and where the
  /// file system has no locks; it names `what` is locked (empty: the lock's file).
  static Lock acquire(const Dir& dir, const std::string& name, const std::string& purpose,
                      LockMode mode = LockMode::exclusive, Patience patience = std::nullopt,
                      const std::string& what = {});

  /// The lock if it is free now.
  static std::optional<Lock> try_acquire(const Dir& dir, const std::string& name,
                                         const std::string& purpose,
                                         LockMode mode = LockMode::exclusive);

  /// Whether somebody holds the lock of that name now; it is not taken for that. Throws Error.
  static bool is_held(const Dir& dir, const std::string& name);

  /// Shares a lock that we have alone, or has it alone; whether that could be had now.
  bool change(LockMode mode) const;

  /// Removes the lock's file while it is held: for names that are gone.
  void remove_file(const Dir& dir, const std::string& name) const;

private:
  explicit Lock(UniqueFd fd) : m_fd(std::move(fd)) {}

  UniqueFd m_fd;
};

} // namespace snapfix::os
