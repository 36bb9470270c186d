#include "page/night.hpp"

#include "job/past.hpp"
#include "job/pasteable.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/process.hpp"
#include "os/time_text.hpp"
#include "page/night_log.hpp"
#include "snapshot/comparison.hpp"
#include "snapshot/root.hpp"
#include "snapshot/snapshot.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <tuple>
#include <utility>

namespace snapfix::page {
namespace {

using snapshot::Outcome;
using snapshot::PastRun;

constexpr std::size_t k_most_looked_into = 50;

bool is_of(const PastRun& run, const Starter& starter) {
  return run.parent == starter.parent;
}

/// A clock that was wrong then, and is right now.
bool is_ahead(const PastRun& run) {
  return run.times.asked > os::to_seconds(os::now());
}

std::string day_of(const PastRun& run) {
  const auto text = os::to_local_text({static_cast<std::int64_t>(run.times.asked), 0});
  return text.substr(0, text.find(' '));
}

class Collector {
public:
  Collector(const std::string& root, const std::optional<Starter>& starter,
            const std::string& day = {})
      : m_starter(starter), m_day(day) {
    m_out.root = root;
    if (!snapshot::Root::exists(root)) {
      return;
    }
    m_root = snapshot::Root::open(root);
    m_out.root = m_root->path();
    m_histories = snapshot::load_histories(*m_root);
    leave_out_unreadable();
    add_unfinished();
    if (!m_starter) {
      choose_last();
    }
  }

  Night operator()(std::vector<std::string> warnings);

private:
  void leave_out_unreadable();
  void add_unfinished();
  void choose_last();
  void take(const snapshot::KeyedHistory& of);
  void look_into(TestOfNight& test, const std::string& folder);
  void add_up();

  std::optional<snapshot::Root> m_root; ///< nothing: there is none
  std::vector<snapshot::KeyedHistory> m_histories;
  std::optional<Starter> m_starter;
  std::string m_day; ///< empty: the last one
  std::size_t m_looked_into = 0;
  Night m_out;
};

void Collector::leave_out_unreadable() {
  std::erase_if(m_histories, [&](const snapshot::KeyedHistory& of) {
    if (of.history.runs.empty()) {
      m_out.warnings.push_back(os::format(
          "the history {} cannot be read, and its runs are not told: it is damaged, of another "
          "user or of a newer snapfix; what is damaged may be removed",
          os::quoted(os::format("{}/.snapfix/{}/{}", m_out.root, snapshot::k_histories, of.key))));
    }
    return of.history.runs.empty();
  });
}

/// Runs that are at work, and those that were killed and not finished yet.
void Collector::add_unfinished() {
  for (const auto& folder : m_root->snapshot_folders()) {
    const auto run = snapshot::load_run(*m_root, folder);
    if (!run || run->times.asked == 0 || !(run->finish || !run->ctest.empty())) {
      continue;
    }
    auto of = std::ranges::find(m_histories, folder, &snapshot::KeyedHistory::key);
    const auto standing = snapshot::Snapshot::find(*m_root, folder);
    auto past = job::past_run_of(standing ? standing->name() : folder, *run);
    if (of != m_histories.end()) {
      const auto& runs = of->history.runs;
      const bool is_later = runs[0].times.asked >= past.times.asked && !is_ahead(runs[0]);
      if (is_later ||
          std::ranges::any_of(runs, [&](const PastRun& run) { return run.is_same_run(past); })) {
        continue; // it was finished, or is not the last
      }
    }
    past.outcome = m_root->is_name_locked(folder) ? Outcome::running : Outcome::killed;
    if (past.outcome == Outcome::killed) {
      past.reason = run->why_no_end();
      past.why_kept = past.reason;
    }
    if (of == m_histories.end()) {
      of = m_histories.insert(of, {folder, {}});
    }
    of->history.runs.insert(of->history.runs.begin(), std::move(past));
  }
}

void Collector::choose_last() {
  const auto rank = [](const PastRun& run) {
    return std::tuple(!run.ctest.empty(), !is_ahead(run), run.times.asked);
  };
  const PastRun* last = nullptr;
  std::set<std::string> days;
  for (const auto& of : m_histories) {
    const PastRun* last_of_name = nullptr; // they stand in their order, whatever the clock said
    for (const auto& run : of.history.runs) {
      const auto day = day_of(run);
      days.insert(day);
      if (run.parent && (m_day.empty() || m_day == day) &&
          (last_of_name == nullptr || last_of_name->ctest.empty() && !run.ctest.empty())) {
        last_of_name = &run;
      }
    }
    if (last_of_name != nullptr && (last == nullptr || rank(*last) < rank(*last_of_name))) {
      last = last_of_name;
    }
  }
  if (last == nullptr && !m_day.empty()) {
    throw os::Error(os::format("nothing is recorded of {} in {}", m_day, os::quoted(m_out.root)),
                    days.empty() ? "" : "days with runs: " + os::joined(days, ", "));
  }
  if (last != nullptr) {
    m_starter = {*last->parent, last->ctest};
  }
}

/// What of a name's runs belongs to the night.
void Collector::take(const snapshot::KeyedHistory& of) {
  const auto& runs = of.history.runs;
  const auto last =
      std::ranges::find_if(runs, [&](const PastRun& run) { return is_of(run, *m_starter); });
  if (last == runs.end()) {
    return;
  }
  if (snapshot::is_freeze(of.key)) {
    m_out.freezes.push_back(*last);
    return;
  }
  TestOfNight test;
  test.run = *last;
  test.seconds = std::max(last->times.ended - last->times.began, 0.0);
  for (auto run = std::next(last); run != runs.end(); ++run) {
    auto& to = is_of(*run, *m_starter) ? test.tries : test.past;
    to.insert(to.begin(), *run);
  }
  if (!last->ctest.empty()) {
    m_out.ctest = last->ctest;
    test.again = again(last->ctest, last->name);
  }
  if (last == runs.begin()) { // else the snapshot is another run's
    look_into(test, of.key);
  }
  m_out.tests.push_back(std::move(test));
}

void Collector::look_into(TestOfNight& test, const std::string& folder) {
  const auto snapshot = snapshot::Snapshot::find(*m_root, folder);
  test.stands = snapshot.has_value() && test.run.outcome != Outcome::running;
  if (!test.stands) {
    return;
  }
  const auto words = [&](const char* subcommand) {
    return job::words_for(subcommand, snapshot->name(), m_root->path());
  };
  test.enter = words("enter");
  test.rerun = words("rerun");
  test.pack = words("pack");
  if (m_looked_into++ >= k_most_looked_into) {
    return;
  }
  try {
    const auto changes =
        snapshot::compare(snapshot::Side::of_base(*snapshot), snapshot::Side::of_tree(*snapshot));
    for (const auto& [path, change] : changes) {
      if (change != snapshot::NameChange::added) {
        continue;
      }
      if (test.added.size() < snapshot::k_most_details) {
        test.added.push_back(path);
      } else {
        ++test.more_added;
      }
    }
  } catch (const os::Error&) { // its base is lost, or somebody works in it
  }
}

void Collector::add_up() {
  auto& totals = m_out.totals;
  std::set<std::string> hosts;
  std::set<std::string> sources(m_out.sources.begin(), m_out.sources.end()); // not frozen
  std::set<std::string> kept;
  const auto span = [&](double began, double ended) {
    m_out.began = m_out.began == 0 ? began : std::min(m_out.began, began);
    m_out.ended = std::max(m_out.ended, ended);
  };
  for (const auto& freeze : m_out.freezes) {
    totals.bytes.taken += static_cast<double>(freeze.tree.copied);
    totals.seconds.taken += freeze.times.taken - freeze.times.taking;
    sources.insert(freeze.name);
    span(freeze.times.taking, freeze.times.taken);
  }
  for (const auto& test : m_out.tests) {
    const auto& run = test.run;
    const std::map<Outcome, std::uint64_t*> counts{
        {Outcome::passed, &totals.passed},   {Outcome::failed, &totals.failed},
        {Outcome::killed, &totals.failed},   {Outcome::skipped, &totals.skipped},
        {Outcome::unknown, &totals.unknown}, {Outcome::running, &totals.running}};
    ++*counts.at(run.outcome);
    if (test.stands) {
      kept.insert(test.fixture.empty() ? run.name : test.fixture);
    }
    totals.run_seconds += test.seconds;
    if (run.times.asked == 0) {
      continue; // of ctest's log alone
    }
    hosts.insert(run.host);
    span(run.times.asked, std::max({run.finished, run.times.ended, run.times.asked}));
    const auto& changes = run.details ? run.details->changes : std::nullopt;
    totals.bytes.taken += static_cast<double>(changes ? changes->bytes_private : run.tree.copied);
    totals.bytes.full += static_cast<double>(run.tree.bytes);
    totals.entries.taken += run.tree.handed_on ? 0 : static_cast<double>(run.tree.entries);
    totals.entries.full += static_cast<double>(run.tree.entries);
    totals.seconds.taken += std::max(run.times.taken - run.times.taking, 0.0) +
                            (run.finishing > 0 ? std::max(run.finished - run.finishing, 0.0) : 0.0);
  }
  totals.kept = kept.size();
  totals.seconds.full = totals.entries.full * k_seconds_a_copied_entry;
  m_out.hosts.assign(hosts.begin(), hosts.end());
  m_out.sources.assign(sources.begin(), sources.end());
}

Night Collector::operator()(std::vector<std::string> warnings) {
  m_out.warnings.insert(m_out.warnings.begin(), std::move_iterator(warnings.begin()),
                        std::move_iterator(warnings.end()));
  for (const auto& of : m_histories) {
    if (m_starter) {
      take(of);
    }
  }
  if (m_starter && m_out.ctest.empty()) {
    m_out.ctest = m_starter->ctest;
  }
  add_from_log(m_out, read_ctest_log(m_out.ctest));
  const auto rank = [](const TestOfNight& test) {
    const auto& run = test.run;
    // What ctest's log alone knows: a freeze is the reason for the rest, others follow from it.
    const bool is_late = run.times.asked == 0 && !test.is_freeze();
    const bool is_last = is_late && test.tail.empty(); // it was not run at all
    // Who ran under the guard found what another one has changed.
    const bool is_innocent =
        test.has_finding() && run.details->guard == "on" &&
        (!run.details->end || (run.details->end->status == 0 && run.details->end->signal == 0));
    return std::tuple(!test.has_failed(), is_late, is_last, is_innocent, run.times.asked, run.name);
  };
  std::ranges::sort(m_out.tests, {}, rank);
  add_up();
  return std::move(m_out);
}

} // namespace

std::optional<Starter> our_starter() {
  const auto parent = snapshot::our_parent();
  return parent ? std::optional(Starter{*parent, os::folder_of_process(os::parent_process())})
                : std::nullopt;
}

Night collect_night_of(const std::string& root, const std::string& day) {
  return Collector(root, std::nullopt, day)({});
}

Night collect_night(const std::string& root, const std::optional<Starter>& starter,
                    std::vector<std::string> warnings) {
  return Collector(root, starter)(std::move(warnings));
}

} // namespace snapfix::page
