#include "page/night_log.hpp"

#include "job/pasteable.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/time_text.hpp"
#include "snapshot/root.hpp"
#include "snapshot/snapshot.hpp"

#include <algorithm>
#include <array>
#include <ctime>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace snapfix::page {
namespace {

using snapshot::Outcome;
using snapshot::PastRun;

constexpr std::int64_t k_minute = 60;

/// The snapshot that the command of a test of ours names: with several configurations it is
/// <test>@<configuration>. Of others the test's own name.
std::string snapshot_of(const LoggedTest& logged) {
  constexpr auto k_none = std::string_view::npos;
  const std::string_view command = logged.command;
  const auto options = command.substr(0, command.find(" \"--\" "));
  for (const std::string_view key : {"\"--name=", "\"run\" \""}) {
    const auto at = options.find("\"--ctest\"") == k_none ? k_none : options.find(key);
    const auto name = options.substr(at == k_none ? options.size() : at + key.size());
    if (!name.empty() && !name.starts_with("--")) {
      return std::string(name.substr(0, name.find("\" \"--")));
    }
  }
  return logged.name;
}

bool is_of_our_zone(const LoggedTest& logged, double time) {
  const auto seconds = static_cast<std::time_t>(time);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  std::array<char, 64> zone{};
  std::strftime(zone.data(), zone.size(), " %Z", &local);
  return logged.start.ends_with(zone.data());
}

bool began_at(const LoggedTest& logged, std::int64_t seconds) {
  return logged.start.starts_with(os::to_ctest_text({seconds, 0})) ||
         logged.start.starts_with(os::to_ctest_text({seconds - k_minute, 0}));
}

/// Tells what ctest's log, which knows minutes, may mean.
class LogClock {
public:
  /// A log of another time zone than ours is ahead by what fits most of its tests.
  LogClock(const CtestLog& log, const std::map<std::string, TestOfNight*>& tests);

  bool began_then(const LoggedTest& logged, double time) const {
    return began_at(logged, static_cast<std::int64_t>(time) + m_ahead);
  }

  /// Whether it may be an attempt of that test.
  bool is_of(const LoggedTest& logged, const TestOfNight& test) const {
    const auto is_it = [&](const PastRun& run) { return began_then(logged, run.times.asked); };
    return is_it(test.run) || std::ranges::any_of(test.tries, is_it);
  }

private:
  std::int64_t m_ahead = 0;
};

LogClock::LogClock(const CtestLog& log, const std::map<std::string, TestOfNight*>& tests) {
  constexpr std::size_t k_enough = 20;
  constexpr std::int64_t k_step = 15 * k_minute; // zones are that far apart
  constexpr std::int64_t k_farthest = std::int64_t{26} * 60 * k_minute;
  std::vector<std::pair<const LoggedTest*, const TestOfNight*>> pairs;
  for (const auto& logged : log.tests) {
    const auto test = tests.find(snapshot_of(logged));
    if (test != tests.end() && pairs.size() < k_enough) {
      pairs.emplace_back(&logged, test->second);
    }
  }
  if (pairs.empty() || is_of_our_zone(*pairs[0].first, pairs[0].second->run.times.asked)) {
    return;
  }
  std::ptrdiff_t most = 0;
  std::int64_t best = 0;
  for (m_ahead = -k_farthest; m_ahead <= k_farthest; m_ahead += k_step) {
    const auto count = std::ranges::count_if(
        pairs, [&](const auto& pair) { return is_of(*pair.first, *pair.second); });
    if (count > most) {
      most = count;
      best = m_ahead;
    }
  }
  m_ahead = best;
}

bool is_ours(const LoggedTest& logged) {
  return (logged.command.find("\"--ctest\"") != std::string::npos &&
          logged.command.find("\"--root\"") != std::string::npos) ||
         logged.lacks.find(k_freeze_test) != std::string::npos ||
         logged.lacks.find(".snapshot_setup") != std::string::npos;
}

bool is_our_freeze(const Night& night, const LogClock& clock, const LoggedTest& logged) {
  return logged.name.starts_with(k_freeze_test) &&
         std::ranges::any_of(night.freezes, [&](const PastRun& freeze) {
           return clock.began_then(logged, freeze.times.taking);
         });
}

/// The root as the commands of ctest spell it: its path may lead through symlinks.
std::string spelled_root(const Night& night, const CtestLog& log) {
  constexpr std::string_view k_option = "\"--root\" \"";
  for (const auto& logged : log.tests) {
    const auto at = logged.command.find(k_option);
    if (at != std::string::npos) {
      const auto begin = at + k_option.size();
      auto root = logged.command.substr(begin, logged.command.find('"', begin) - begin);
      if (os::exists(root) && os::canonical_path(root) == night.root) {
        return root;
      }
    }
  }
  return night.root;
}

/// The snapshot that a test which ctest ran itself was run in, or which its command names.
std::string fixture_of(const std::vector<std::string>& roots, const LoggedTest& logged) {
  for (const auto& root : roots) {
    for (const auto& text : {logged.folder, logged.command}) {
      if (const auto at = text.find(root + "/"); at != std::string::npos) {
        const auto name = text.substr(at + root.size() + 1);
        return name.starts_with('.') ? "" : name.substr(0, name.find_first_of("/\""));
      }
    }
  }
  return {};
}

void add_of_fixture(Night& night, const LoggedTest& logged, const std::string& fixture) {
  auto& test = night.tests.emplace_back();
  test.run.name = logged.name;
  test.run.outcome = logged.outcome;
  test.run.reason = logged.reason;
  if (logged.outcome == Outcome::failed && logged.reason.empty()) {
    test.run.reason = "ctest says that it failed";
  }
  test.fixture = fixture;
  test.seconds = logged.seconds;
  test.tail = logged.tail;
  test.is_cut = logged.is_cut;
  test.again = again(night.ctest, logged.name);
  const auto root = snapshot::Root::open(night.root);
  test.stands = snapshot::Snapshot::find(root, fixture).has_value();
  if (test.stands) {
    test.enter = job::words_for("enter", fixture, night.root);
  }
}

/// What ctest judged counts, where the end of the command was to be judged. What else was found
/// wrong stays so.
void take_judgement(TestOfNight& test, const LoggedTest& logged) {
  auto& run = test.run;
  if (logged.outcome == Outcome::unknown || logged.outcome == run.outcome) {
    return;
  }
  const bool is_by_end = run.details && run.details->end && !test.has_finding();
  // A SKIP_RETURN_CODE is no skip in its log: where that says so, it has judged the output.
  const bool is_skipped = logged.outcome == Outcome::skipped && !test.has_failed();
  if (run.outcome == Outcome::unknown || is_skipped) {
    run.outcome = logged.outcome;
    run.reason = logged.reason;
  } else if (logged.outcome == Outcome::failed) {
    if (!test.has_failed()) {
      run.outcome = Outcome::failed;
      run.reason = logged.reason.empty() ? "ctest says that it failed" : logged.reason;
    }
  } else if (test.has_failed()) { // ours is told, too
    run.outcome = is_by_end ? logged.outcome : run.outcome;
    run.reason += os::format("; for ctest it {}{}",
                             logged.outcome == Outcome::skipped ? "was skipped" : "passed",
                             logged.reason.empty() ? "" : ": " + logged.reason);
  }
}

/// What the log says of a test's attempts, oldest first: its last words are of the last attempt.
void take_from_log(const Night& night, TestOfNight& test,
                   const std::vector<const LoggedTest*>& attempts) {
  auto& run = test.run;
  const auto& logged = *attempts.back();
  test.tail = logged.tail;
  test.is_cut = logged.is_cut;
  if (run.name.starts_with(logged.name + "@")) {
    test.again = again(night.ctest, logged.name, run.name.substr(logged.name.size() + 1));
  }
  auto of = attempts.rbegin();
  if (run.outcome != Outcome::running || attempts.size() > test.tries.size()) {
    if (run.times.began > 0 && run.times.ended == 0) { // a TIMEOUT killed it
      test.seconds = std::max(0.0, run.times.asked + logged.seconds - run.times.began);
    }
    take_judgement(test, **of++);
  }
  for (auto earlier = test.tries.rbegin(); earlier != test.tries.rend() && of != attempts.rend();
       ++earlier, ++of) {
    if (earlier->outcome == Outcome::unknown) {
      earlier->outcome = (*of)->outcome;
      earlier->reason = (*of)->reason;
    }
  }
}

std::string why_lost(const LoggedTest& logged) {
  if (logged.name.starts_with(k_freeze_test)) {
    return "the source could not be frozen: tests that wait for it did not run";
  }
  if (logged.lacks.find(k_freeze_test) != std::string::npos) {
    return "it was not run: its source could not be frozen";
  }
  if (!logged.lacks.empty()) {
    return "it was not run: " + logged.lacks + " failed";
  }
  const auto error = error_in(logged.tail);
  return error.empty() ? "nothing is recorded of it: ctest's log tells what it said" : error;
}

/// One of ours that failed and left nothing else: a freeze, or what never had its snapshot.
void add_lost(Night& night, const LoggedTest& logged) {
  constexpr std::string_view k_cleanup = ".snapshot_cleanup";
  std::string of = logged.name; // the test that knows what this one found
  if (of.ends_with(k_cleanup)) {
    of.resize(of.size() - k_cleanup.size());
  }
  if (of.ends_with(".snapshot_setup") && !logged.lacks.empty()) {
    return; // its tests say so
  }
  const auto is_it = [&](const TestOfNight& test) { return test.run.name == of; };
  if (logged.outcome != Outcome::failed || std::ranges::any_of(night.tests, is_it) ||
      of.starts_with("snapshots.finish.")) {
    return;
  }
  constexpr std::string_view k_source = "\"--source\" \"";
  if (const auto at = logged.command.find(k_source);
      logged.name.starts_with(k_freeze_test) && at != std::string::npos) {
    const auto source = logged.command.substr(at + k_source.size());
    night.sources.push_back(source.substr(0, source.find('"')));
  }
  TestOfNight test;
  test.run.name = logged.name;
  test.run.outcome = Outcome::failed;
  test.run.reason = why_lost(logged);
  test.again = again(night.ctest, logged.name);
  test.tail = logged.tail;
  test.is_cut = logged.is_cut;
  night.tests.push_back(std::move(test));
}

/// A test that ran in no snapshot, if it failed.
void add_other(Night& night, const LoggedTest& logged) {
  if (logged.outcome == Outcome::failed) {
    night.others.push_back(logged);
    if (!logged.lacks.empty()) {
      night.others.back().reason = "it was not run: " + logged.lacks + " failed";
    }
  }
}

void warn_of(Night& night, const CtestLog& log) {
  if (log.is_too_large || !log.tests.empty()) {
    night.warnings.push_back(
        os::format("ctest's log {} {}: outputs, and what ctest alone judged, are not told",
                   os::quoted(log.path), log.is_too_large ? "is too large" : "is of another run"));
  }
}

} // namespace

void add_from_log(Night& night, const CtestLog& log) {
  std::map<std::string, TestOfNight*> tests;
  for (auto& test : night.tests) {
    tests[test.run.name] = &test;
  }
  const LogClock clock(log, tests);
  bool is_of_night = night.tests.empty();
  std::map<TestOfNight*, std::vector<const LoggedTest*>> attempts;
  std::vector<const LoggedTest*> others;
  std::map<std::string_view, const LoggedTest*> last_attempts;
  for (const auto& logged : log.tests) {
    last_attempts[logged.name] = &logged;
    const auto test = tests.find(snapshot_of(logged));
    if (test != tests.end() && clock.is_of(logged, *test->second)) {
      attempts[test->second].push_back(&logged);
      is_of_night = true;
    } else {
      is_of_night = is_of_night || is_our_freeze(night, clock, logged);
      others.push_back(&logged);
    }
  }
  if (log.is_too_large || !is_of_night) {
    warn_of(night, log);
    return;
  }
  for (const auto& [test, logged] : attempts) {
    take_from_log(night, *test, logged);
  }
  night.log = log.path;
  const std::vector<std::string> roots{spelled_root(night, log), night.root};
  night.log_began = log.began;
  for (const auto* logged : others) {
    if (last_attempts.at(logged->name) != logged) {
      continue;
    }
    if (logged->is_disabled) {
      night.disabled.push_back(logged->name);
    } else if (is_ours(*logged)) {
      add_lost(night, *logged);
    } else if (const auto fixture = fixture_of(roots, *logged); !fixture.empty()) {
      add_of_fixture(night, *logged, fixture);
    } else {
      add_other(night, *logged);
    }
  }
}

std::string again(const std::string& folder, const std::string& name,
                  const std::string& configuration) {
  constexpr std::string_view k_special = "^$.[]*+?()|\\";
  std::string expression = "^";
  for (const char c : name) {
    if (k_special.find(c) != std::string_view::npos) {
      expression += '\\';
    }
    expression += c;
  }
  expression += "$";
  return os::format("ctest --test-dir {}{} --output-on-failure -R {}", job::shell_word(folder),
                    configuration.empty() ? "" : " -C " + job::shell_word(configuration),
                    job::shell_word(expression));
}

} // namespace snapfix::page
