#pragma once

#include "page/ctest_log.hpp"
#include "snapshot/history.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::page {

/// Tests of ctest whose names begin so are freezes.
constexpr const char* k_freeze_test = "snapshots.freeze.";

/// A test in a night.
struct TestOfNight {
  snapshot::PastRun run;                ///< its last attempt
  std::vector<snapshot::PastRun> tries; ///< those before, oldest first
  std::vector<snapshot::PastRun> past;  ///< its runs in earlier nights, oldest first
  std::vector<std::string> added;       ///< files in the snapshot that is kept, new ones
  std::uint64_t more_added = 0;
  bool stands = false; ///< its snapshot does
  std::string fixture; ///< ctest ran it in this snapshot, which others shared; empty: in its own
  double seconds = 0;  ///< how long its command ran
  std::string tail;    ///< the last lines of its output, as ctest's log has them
  bool is_cut = false;
  /// To paste into a shell; empty where there is nothing to be done in.
  std::string enter, rerun, pack, again;

  bool is_freeze() const { return run.name.starts_with(k_freeze_test); }
  bool has_finding() const { return run.details && !run.details->findings.empty(); }
  bool has_failed() const {
    return run.outcome == snapshot::Outcome::failed || run.outcome == snapshot::Outcome::killed;
  }
};

/// What the trees took, and what full copies of them would have.
struct Against {
  double taken = 0;
  double full = 0;
};

struct Totals {
  std::uint64_t passed = 0, failed = 0, skipped = 0, unknown = 0, running = 0, kept = 0;
  Against bytes;   ///< written
  Against entries; ///< files, symlinks and folders made
  Against seconds; ///< of full copies reckoned, see k_seconds_a_copied_entry
  double run_seconds = 0;
};

/// What `cp -a` takes an entry on a local disk: docs/performance.md.
constexpr double k_seconds_a_copied_entry = 0.00015;

/// All that one ctest, or another process, has started in a root.
struct Night {
  std::string root;
  std::vector<std::string> sources;
  std::vector<std::string> hosts;
  std::string ctest;     ///< its folder; empty: it was none
  std::string log;       ///< ctest's own
  std::string log_began; ///< in ctest's words
  double began = 0;
  double ended = 0;
  std::vector<TestOfNight> tests; ///< failed ones first
  std::vector<snapshot::PastRun> freezes;
  std::vector<LoggedTest> others;    ///< failed tests of that ctest that ran in no snapshot
  std::vector<std::string> disabled; ///< names of those that it left out for that
  std::vector<std::string> warnings;
  Totals totals;
};

/// Who started a night. Its tests may have run on other hosts, by a launcher.
struct Starter {
  snapshot::RunParent parent;
  std::string ctest; ///< as RunRecord::ctest
  bool operator==(const Starter&) const = default;
};

/// Our own parent, if it can be seen.
std::optional<Starter> our_starter();

/// The night that `starter` has started; without it that of the last run under ctest, or of the
/// last one at all. One of which nothing is known has no tests, as where there is no root. Throws
/// os::Error.
Night collect_night(const std::string& root, const std::optional<Starter>& starter,
                    std::vector<std::string> warnings = {});

/// The last one with a run on that day, `2026-01-31` by the user's clock. Throws os::Error if there
/// is none, with those that there are.
Night collect_night_of(const std::string& root, const std::string& day);

} // namespace snapfix::page
