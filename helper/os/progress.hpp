#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace snapfix::os {

/// Tells on stderr how far long work has come. On a terminal, from the first second on, a line that
/// is renewed and at last wiped: `snapfix: reading the files of '/src' 1200/70640`; elsewhere one
/// note, after five seconds. SNAPFIX_PROGRESS changes when that begins. Several threads may count.
class Progress {
public:
  /// `total`: how much there is to count, 0 where nobody knows.
  Progress(std::string what, std::uint64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress(); ///< wipes the line

  void count(std::uint64_t more = 1);

  /// Throws Error where SNAPFIX_PROGRESS is neither a number of seconds nor `off`.
  static void check_variable();

private:
  using Clock = std::chrono::steady_clock;

  void tell(std::uint64_t done);
  std::string of_total(std::uint64_t done, const char* of) const;

  std::string m_what;
  std::uint64_t m_total;
  bool m_on_terminal;
  std::uint64_t m_stride;
  std::atomic<std::uint64_t> m_done{0};
  std::mutex m_mutex;
  Clock::time_point m_next;    ///< when to tell it again
  std::atomic<bool> m_is_over; ///< nothing is to be told (any more)
  bool m_is_shown = false;
};

} // namespace snapfix::os
