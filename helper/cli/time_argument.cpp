#include "cli/time_argument.hpp"

#include "os/format.hpp"

#include <array>
#include <charconv>
#include <string_view>

namespace snapfix::cli {

namespace {

constexpr std::int64_t k_most = 1'000'000;

} // namespace

std::optional<std::int64_t> seconds_in(const std::string& text) {
  constexpr std::string_view k_units = "smhdw";
  constexpr std::array<std::int64_t, 5> k_seconds{1, 60, 3600, 86400, 604800};
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto unit = failed == std::errc() && end + 1 == text.data() + text.size()
                        ? k_units.find(*end)
                        : std::string_view::npos;
  if (unit == std::string_view::npos || number < 0 || number > k_most) {
    return std::nullopt;
  }
  return number * k_seconds.at(unit);
}

std::int64_t seconds_from(const Arguments& arguments, const char* name, const std::string& text) {
  const auto out = seconds_in(text);
  if (!out) {
    arguments.fail(os::format("--{} takes a number from 0 to {} and a unit, not {}", name, k_most,
                              os::quoted(text)),
                   "as in 30s, 15m, 12h, 7d, 2w");
  }
  return *out;
}

} // namespace snapfix::cli
