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
constexpr double k_lock_wait = 60e-6; ///< seconds; a local call that waits for a lock waits less
constexpr double k_contended_lock_wait =
    240e-6;                             ///< the same, where several of us wait for each other
constexpr unsigned k_most_workers = 32; ///< a server is there for others as well

// A trial of more workers: long enough to tell, so short that it costs little where it was for
// nothing.
constexpr double k_trial_seconds = 2e-3;
constexpr std::uint64_t k_trial_tasks = 4; ///< for each worker
constexpr std::uint64_t k_trial_entries = 64;
constexpr double k_clear_gain = 1.25;
constexpr unsigned k_most_local_workers = 8;
constexpr double k_busy =
    0.1; ///< so much of the time waited for a processor: there is none to spare

double seconds_now() {
  const std::chrono::duration<double> out = std::chrono::steady_clock::now().time_since_epoch();
  return out.count();
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) * 1e-6;
}

} // namespace

CallLatency::Moment CallLatency::now() noexcept {
  rusage usage{};
  ::getrusage(RUSAGE_THREAD, &usage);
  return {seconds_now(), seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime), usage.ru_nvcsw};
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

unsigned CallLatency::workers_wanted(double least_wait, const Moment& end,
                                     QueuedSeconds queued) noexcept {
  const long waits = end.waits - m_begin.waits;
  const double wall = end.wall - m_begin.wall;
  const double cpu = std::max(end.cpu - m_begin.cpu, 1e-6);
  const auto may_wait = [waits, least_wait](double seconds) {
    return waits >= k_least_waits && seconds / static_cast<double>(waits) >= least_wait;
  };
  if (may_wait(wall - cpu)) {
    const double blocked = wall - cpu - (queued() - m_queued_before);
    if (may_wait(blocked)) { // So many keep one processor busy.
      return static_cast<unsigned>(std::clamp(1 + blocked / cpu, 1.0, double{k_most_workers}));
    }
  }
  if (wall > k_window_seconds) {
    *this = CallLatency(end, queued());
  }
  return 1;
}

double CallLatency::share_queued() const noexcept {
  return (queued_seconds() - m_queued_before) / std::max(seconds_now() - m_begin.wall, 1e-6);
}

void WorkerTrial::settle(unsigned workers) noexcept {
  m_workers = workers;
  m_is_settled = true;
}

void WorkerTrial::look(const Done& done) noexcept {
  if (m_is_settled) {
    return;
  }
  if (!m_begin) {
    m_begin = done;
    return;
  }
  const double seconds = done.seconds - m_begin->seconds;
  const std::uint64_t entries = done.entries - m_begin->entries;
  if (seconds < k_trial_seconds || done.tasks - m_begin->tasks < k_trial_tasks * m_workers ||
      entries < k_trial_entries) {
    return;
  }
  const double rate = static_cast<double>(entries) / seconds;
  if (m_workers > 1 && rate < k_clear_gain * m_rate_of_half) {
    settle(m_workers / 2);
  } else if (m_workers * 2 > m_most) {
    settle(m_workers);
  } else {
    m_workers *= 2;
    m_rate_of_half = rate;
    m_begin = done;
  }
}

Pace::Pace() noexcept
    : m_trial(std::min(std::thread::hardware_concurrency(), k_most_local_workers)) {}

unsigned Pace::workers_wanted(std::uint64_t tasks, std::uint64_t entries) noexcept {
  const unsigned before = m_trial.workers();
  m_trial.look({seconds_now(), tasks, entries});
  if (m_trial.workers() > before && m_latency.share_queued() > k_busy) {
    m_trial.settle(before);
  }
  const unsigned for_calls =
      m_latency.workers_wanted(m_trial.workers() == 1 ? k_lock_wait : k_contended_lock_wait);
  if (for_calls > m_trial.workers()) {
    m_trial.settle(for_calls);
  }
  return m_trial.workers();
}

} // namespace snapfix::os
