#pragma once

#include "os/dir.hpp"

#include <chrono>
#include <cstdint>

namespace snapfix::snapshot {

/// A moment by the clock that stamps the source's files, as far as it can be asked: nothing is
/// written to the source, but the root may lie beside it.
class SourceClock {
public:
  /// Reads the clock. In `trash`, of the root, a file is made and removed. Throws os::Error.
  SourceClock(const os::Dir& trash, const os::Dir& source);

  /// Whether what has this stat was last changed before the moment, for certain.
  bool is_before(const os::Stat& stat) const noexcept;

  /// Whether it was so old at the moment that any later change gives it another ctime, even if
  /// another host's clock stamps that.
  bool is_settled(const os::Stat& stat) const noexcept;

  /// How long after the moment a change of what has this stat gives it another ctime for certain:
  /// 0 or less if it does already.
  std::chrono::nanoseconds tick_left(const os::Stat& stat) const noexcept;

  /// Waits until so long after the moment, at most for one tick.
  void wait(std::chrono::nanoseconds after) const;

private:
  std::uint64_t m_device = 0;
  os::Time m_now;
  std::chrono::steady_clock::time_point m_now_here; ///< the same moment by our own clock
  bool m_is_exact = false;
};

} // namespace snapfix::snapshot
