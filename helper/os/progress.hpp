#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>

namespace snapfix::os {

/// One line on a terminal's stderr that tells how far long work has come: `freezing 1200/70640`.
/// Shows nothing in the first second, nor where stderr is no terminal. Several threads may count.
class Progress {
public:
  Progress(std::string what, std::uint64_t total);
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  ~Progress(); ///< wipes the line

  void count(std::uint64_t more = 1);

private:
  std::string m_what;
  std::uint64_t m_total;
  bool m_on_terminal;
  std::atomic<std::uint64_t> m_done{0};
  std::mutex m_mutex;
  std::chrono::steady_clock::time_point m_next; ///< when to show it again
  bool m_shown = false;
};

} // namespace snapfix::os
