#include "os/time_text.hpp"

#include "os/format.hpp"

#include <fmt/chrono.h>

#include <ctime>

namespace snapfix::os {

Time now() {
  timespec stamp{};
  ::clock_gettime(CLOCK_REALTIME, &stamp);
  return {stamp.tv_sec, static_cast<std::uint32_t>(stamp.tv_nsec)};
}

std::string to_iso8601(Time time) {
  return os::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(time.seconds)));
}

} // namespace snapfix::os
