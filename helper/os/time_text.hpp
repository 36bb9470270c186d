#pragma once

#include "os/dir.hpp"

#include <optional>
#include <string>

namespace snapfix::os {

/// The time now, by this host's clock.
Time now();

/// Seconds since 1970, with a fraction.
double to_seconds(Time time);

/// `2026-01-31T12:00:00Z`.
std::string to_iso8601(Time time);

/// The time that a text names: `2026-01-31`, `2026-01-31T12:00` or `2026-01-31T12:00:00`, as the
/// user's clock shows it, or in UTC with a `Z` behind it. Nothing if it names none.
std::optional<Time> time_from(const std::string& text);

/// `2026-01-31 13:00:00`, as the user's clock shows it.
std::string to_local_text(Time time);

/// `Jan 31 13:00`, as ctest writes it into its logs.
std::string to_ctest_text(Time time);

} // namespace snapfix::os
