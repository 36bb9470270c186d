#include "os/progress.hpp"

#include "os/format.hpp"

#include <cstdio>

#include <unistd.h>

namespace snapfix::os {
namespace {

constexpr std::chrono::milliseconds k_quiet{1000};
constexpr std::chrono::milliseconds k_pause{200};
constexpr std::uint64_t k_stride = 64; ///< a look at the clock costs something as well

} // namespace

Progress::Progress(std::string what, std::uint64_t total)
    : m_what(std::move(what)), m_total(total), m_on_terminal(::isatty(STDERR_FILENO) == 1),
      m_next(std::chrono::steady_clock::now() + k_quiet) {}

Progress::~Progress() {
  if (m_shown) {
    os::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
  }
}

void Progress::count(std::uint64_t more) {
  if (!m_on_terminal) {
    return;
  }
  const std::uint64_t before = m_done.fetch_add(more);
  if (before / k_stride == (before + more) / k_stride) {
    return;
  }
  const std::unique_lock lock(m_mutex, std::try_to_lock);
  const auto now = std::chrono::steady_clock::now();
  if (lock && now >= m_next) {
    m_next = now + k_pause;
    m_shown = true;
    os::print(stderr, "\r\x1b[Ksnapfix: {} {}/{}", m_what, before + more, m_total);
    std::fflush(stderr);
  }
}

} // namespace snapfix::os
