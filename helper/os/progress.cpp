#include "os/progress.hpp"

#include "os/error.hpp"
#include "os/format.hpp"

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace snapfix::os {
namespace {

using std::chrono::seconds;

constexpr const char* k_variable = "SNAPFIX_PROGRESS";
constexpr std::string_view k_off = "off";
constexpr seconds k_quiet_on_terminal{1};
constexpr seconds k_quiet_elsewhere{5};
constexpr std::chrono::milliseconds k_pause{200};
constexpr std::uint64_t k_many = 10'000;
constexpr std::uint64_t k_stride = 64; ///< a look at the clock costs something as well

std::string_view variable() {
  const char* value = std::getenv(k_variable); // NOLINT(concurrency-mt-unsafe): no thread writes it
  return value == nullptr ? std::string_view() : std::string_view(value);
}

std::optional<seconds> seconds_in(std::string_view text) {
  constexpr std::uint32_t k_most = 1'000'000;
  std::uint32_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  return failed == std::errc() && end == text.data() + text.size() && number <= k_most
             ? std::optional(seconds(number))
             : std::nullopt;
}

} // namespace

Progress::Progress(std::string what, std::uint64_t total)
    : m_what(std::move(what)), m_total(total), m_on_terminal(::isatty(STDERR_FILENO) == 1),
      m_stride(total < k_many ? 1 : k_stride),
      m_next(
          Clock::now() +
          seconds_in(variable()).value_or(m_on_terminal ? k_quiet_on_terminal : k_quiet_elsewhere)),
      m_is_over(variable() == k_off) {}

Progress::~Progress() {
  if (m_is_shown && m_on_terminal) {
    os::print(stderr, "\r\x1b[K");
    std::fflush(stderr);
  }
}

void Progress::check_variable() {
  const auto value = variable();
  if (!value.empty() && value != k_off && !seconds_in(value)) {
    throw Error(os::format("{} is {}", k_variable, os::quoted(value)),
                "it says after how many seconds long work tells how far it has come, or off");
  }
}

void Progress::count(std::uint64_t more) {
  if (m_is_over.load(std::memory_order_relaxed)) {
    return;
  }
  const std::uint64_t before = m_done.fetch_add(more);
  if (before / m_stride == (before + more) / m_stride) {
    return;
  }
  const std::unique_lock lock(m_mutex, std::try_to_lock);
  if (lock && Clock::now() >= m_next && !m_is_over) {
    tell(before + more);
  }
}

std::string Progress::of_total(std::uint64_t done, const char* of) const {
  return m_total == 0 ? os::format("{}", done) : os::format("{}{}{}", done, of, m_total);
}

void Progress::tell(std::uint64_t done) {
  if (m_on_terminal) {
    m_next = Clock::now() + k_pause;
    m_is_shown = true;
    os::print(stderr, "\r\x1b[Ksnapfix: {} {}", m_what, of_total(done, "/"));
    std::fflush(stderr);
  } else {
    m_is_over = true;
    os::note(os::format("{}: {} so far", m_what, of_total(done, " of ")));
  }
}

} // namespace snapfix::os
