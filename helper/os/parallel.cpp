#include "os/parallel.hpp"

#include <algorithm>
#include <chrono>

#include <sys/resource.h>

namespace snapfix::os {
namespace {

// Fewer waits than these in that time may be the disk's, or a lock's.
constexpr long k_least_waits = 16;
constexpr double k_window_seconds = 0.25;
constexpr double k_least_wait_seconds = 60e-6; ///< a local call that waits for a lock waits less
constexpr unsigned k_most_workers = 32;        ///< a server is there for others as well

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

} // namespace

CallLatency::Moment CallLatency::now() noexcept {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now().time_since_epoch();
  return {wall.count(), seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), usage.ru_nvcsw,
          usage.ru_nivcsw};
}

unsigned CallLatency::workers_wanted() noexcept {
  const Moment end = now();
  const long waits = end.waits - m_begin.waits;
  const double wall = end.wall - m_begin.wall;
  const double cpu = std::max(end.cpu - m_begin.cpu, 1e-6);
  const bool waits_for_calls =
      waits >= k_least_waits && (wall - cpu) / static_cast<double>(waits) >= k_least_wait_seconds &&
      waits >= 8 * (end.turns - m_begin.turns); // else it waits for a processor
  if (waits_for_calls) {
    // So many keep one processor busy.
    return static_cast<unsigned>(std::clamp(wall / cpu, 1.0, double{k_most_workers}));
  }
  if (wall > k_window_seconds) {
    m_begin = end;
  }
  return 1;
}

} // namespace snapfix::os
