#include "os/time_text.hpp"

#include <array>
#include <ctime>

namespace snapfix::os {
namespace {

std::string text_of(const std::tm& time, const char* form) {
  std::array<char, 64> out{};
  return {out.data(), std::strftime(out.data(), out.size(), form, &time)};
}

} // namespace

Time now() {
  timespec stamp{};
  ::clock_gettime(CLOCK_REALTIME, &stamp);
  return {stamp.tv_sec, static_cast<std::uint32_t>(stamp.tv_nsec)};
}

double to_seconds(Time time) {
  constexpr double k_nano = 1e-9;
  return static_cast<double>(time.seconds) + k_nano * static_cast<double>(time.nanoseconds);
}

std::string to_iso8601(Time time) {
  const std::time_t seconds = time.seconds;
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return text_of(utc, "%Y-%m-%dT%H:%M:%SZ");
}

std::string to_local_text(Time time) {
  const std::time_t seconds = time.seconds;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return text_of(local, "%Y-%m-%d %H:%M:%S");
}

std::string to_ctest_text(Time time) {
  const std::time_t seconds = time.seconds;
  std::tm local{};
  ::localtime_r(&seconds, &local);
  return text_of(local, "%b %d %H:%M");
}

} // namespace snapfix::os
