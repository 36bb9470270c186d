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

std::optional<Time> time_from(const std::string& text) {
  const bool is_utc = text.ends_with('Z');
  const std::string local = text.substr(0, text.size() - (is_utc ? 1 : 0));
  for (const char* form : {"%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d"}) {
    std::tm time{};
    time.tm_isdst = -1; // as it is on that day
    const char* end = ::strptime(local.c_str(), form, &time);
    if (end == nullptr || *end != '\0') {
      continue;
    }
    const std::tm asked = time;
    const std::time_t seconds = is_utc ? ::timegm(&time) : ::mktime(&time);
    const bool stands = time.tm_mday == asked.tm_mday && seconds != -1; // no 31st of February
    return stands ? std::optional(Time{seconds, 0}) : std::nullopt;
  }
  return std::nullopt;
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
