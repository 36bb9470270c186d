#include "os/units.hpp"

#include "os/format.hpp"

#include <array>
#include <cmath>

namespace snapfix::os {

std::string human_bytes(std::uint64_t bytes) {
  constexpr std::array k_units{"B", "kB", "MB", "GB", "TB", "PB"};
  auto value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= 1000 && unit + 1 < k_units.size()) {
    value /= 1000;
    ++unit;
  }
  return unit == 0 ? os::format("{} B", bytes) : os::format("{:.1f} {}", value, k_units.at(unit));
}

std::string human_seconds(double seconds) {
  constexpr double k_minute = 60;
  constexpr std::int64_t k_hour = 3600;
  if (seconds < k_minute) {
    return seconds < 10 ? os::format("{:.2f} s", seconds) : os::format("{:.1f} s", seconds);
  }
  const auto whole = std::llround(seconds);
  return whole < k_hour ? os::format("{} min {:02} s", whole / 60, whole % 60)
                        : os::format("{} h {:02} min", whole / k_hour, whole % k_hour / 60);
}

std::string counted(std::uint64_t count, std::string_view what) {
  if (count == 1) {
    return os::format("1 {}", what);
  }
  return what.ends_with('y') ? os::format("{} {}ies", count, what.substr(0, what.size() - 1))
                             : os::format("{} {}s", count, what);
}

std::string human_count(std::uint64_t count) {
  constexpr std::uint64_t k_thousand = 1000;
  return count < k_thousand
             ? std::to_string(count)
             : os::format("{},{:03}", human_count(count / k_thousand), count % k_thousand);
}

} // namespace snapfix::os
