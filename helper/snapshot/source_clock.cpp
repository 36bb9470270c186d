#include "snapshot/source_clock.hpp"

#include "os/time_text.hpp"

#include <algorithm>
#include <thread>

namespace snapfix::snapshot {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

// A change within one tick of a file system's clock does not show in ctime. Ticks are a second, or
// two, where the nanoseconds are 0, and at most 10 ms (a kernel with HZ=100) elsewhere.
constexpr nanoseconds k_coarse_tick = seconds(2);
constexpr nanoseconds k_fine_tick = std::chrono::milliseconds(20);

constexpr nanoseconds k_settled = seconds(2);

/// How long `to` is after `from`; far-off times are cut to an hour.
nanoseconds time_between(os::Time from, os::Time to) {
  constexpr std::int64_t k_hour = 3600;
  return seconds(std::clamp(to.seconds - from.seconds, -k_hour, k_hour)) +
         nanoseconds(std::int64_t{to.nanoseconds} - from.nanoseconds);
}

} // namespace

SourceClock::SourceClock(const os::Dir& trash, const os::Dir& source)
    : m_device(source.stat().device), m_now(os::now()),
      m_now_here(std::chrono::steady_clock::now()) {
  if (trash.stat().device == m_device) {
    const os::Time there = os::clock_of(trash);
    m_is_exact = os::is_local(source);
    m_now = m_is_exact ? there : std::min(m_now, there); // our clock may be behind a server's
  }
}

bool SourceClock::is_before(const os::Stat& stat) const noexcept {
  return m_is_exact && stat.device == m_device && stat.ctime < m_now;
}

bool SourceClock::is_settled(const os::Stat& stat) const noexcept {
  return time_between(stat.ctime, m_now) > k_settled;
}

nanoseconds SourceClock::tick_left(const os::Stat& stat) const noexcept {
  if (is_before(stat)) {
    return nanoseconds(0);
  }
  const auto tick = stat.ctime.nanoseconds == 0 ? k_coarse_tick : k_fine_tick;
  return tick - time_between(stat.ctime, m_now);
}

void SourceClock::wait(nanoseconds after) const {
  // A ctime in the future tells nothing about its clock: no reason to wait for long.
  std::this_thread::sleep_until(m_now_here + std::min(after, k_coarse_tick));
}

} // namespace snapfix::snapshot
