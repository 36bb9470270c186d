#pragma once

#include "page/night.hpp"

#include <string>

namespace snapfix::page {

/// A mark and a word for an outcome: colour is never alone.
std::string mark_of(snapshot::Outcome outcome);

/// Why a run did not pass.
std::string reason_of(const snapshot::PastRun& run);

/// A time on the page, UTC.
std::string time_on_page(double seconds);

/// What the night took beside full copies.
std::string cost_picture(const Totals& totals);

/// When each test waited, took its tree, ran and finished; one lane a test that ran at once.
std::string time_line(const Night& night);

/// How long the test ran in its last runs, a bar each, this night's last.
std::string sparkline(const TestOfNight& test);

/// How many calls of it would have changed the source, or did: as many as are remembered.
std::size_t source_writes_of(const snapshot::PastRun& run);

} // namespace snapfix::page
