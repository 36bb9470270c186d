#include "os/parallel.hpp"

#include "os/fd.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

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
  return {wall.count(), seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), usage.ru_nvcsw};
}

/// How long this thread was ready, and waited for a processor: /proc/<pid>/schedstat, see
/// https://docs.kernel.org/scheduler/sched-stats.html. 0 where the kernel does not count it.
double CallLatency::queued_seconds() noexcept {
  const UniqueFd file(::open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC));
  std::array<char, 128> text{};
  if (!file || ::read(file.get(), text.data(), text.size() - 1) <= 0) {
    return 0;
  }
  char* end = text.data();
  std::strtoull(end, &end, 10); // on a processor
  return static_cast<double>(std::strtoull(end, nullptr, 10)) * 1e-9;
}

unsigned CallLatency::workers_wanted() noexcept {
  const Moment end = now();
  const long waits = end.waits - m_begin.waits;
  const double wall = end.wall - m_begin.wall;
  const double cpu = std::max(end.cpu - m_begin.cpu, 1e-6);
  const auto may_wait = [waits](double seconds) {
    return waits >= k_least_waits && seconds / static_cast<double>(waits) >= k_least_wait_seconds;
  };
  if (may_wait(wall - cpu)) {
    const double blocked = wall - cpu - (queued_seconds() - m_queued_before);
    if (may_wait(blocked)) { // So many keep one processor busy.
      return static_cast<unsigned>(std::clamp(1 + blocked / cpu, 1.0, double{k_most_workers}));
    }
  }
  if (wall > k_window_seconds) {
    *this = CallLatency();
  }
  return 1;
}

} // namespace snapfix::os
