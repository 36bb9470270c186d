#include "job/group.hpp"

#include "os/environment.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/time_text.hpp"
#include "os/units.hpp"
#include "snapshot/name.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <thread>
#include <utility>

namespace snapfix::job {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds k_pause{50};
constexpr std::chrono::seconds k_soon{1};
constexpr std::chrono::seconds k_long{5};
/// For tasks that are to come: a launcher starts all within seconds, or one node has failed.
constexpr std::chrono::seconds k_longest_start{120};
constexpr int k_failed = 125; ///< of a task that has run nothing
constexpr const char* k_deciding = "snapfix run, with others";

std::string lock_of(const std::string& folder) {
  return "group." + folder;
}

/// Whether the run in the snapshot is that of our group, and awaits us.
bool awaits(const std::optional<snapshot::RunRecord>& run, const Group& group) {
  return run && run->group && !run->end && run->group->id == group.id &&
         (run->group->tasks == 0 || run->group->begun < run->group->tasks);
}

/// The same where nobody is in it: others have left it to us, or are to come still. Of a group
/// without an id, where some were killed or given up, it may be an old one.
bool was_left_to_us(const std::optional<snapshot::RunRecord>& run, const Group& group) {
  return awaits(run, group) &&
         (!group.id.empty() || (run->group->begun == run->group->ended && !run->group->is_over));
}

std::optional<Entry> try_enter(const snapshot::Root& root, const std::string& name,
                               const Group& group) {
  constexpr const char* k_purpose = "snapfix run";
  const auto folder = snapshot::folder_of_name(name);
  auto deciding = os::Lock::try_acquire(root.locks(), lock_of(folder), k_deciding);
  if (!deciding) {
    return std::nullopt; // the first one is at its tree
  }
  if (auto held = snapshot::Held::try_hold(root, name, k_purpose, os::LockMode::exclusive)) {
    const bool is_first = !was_left_to_us(held->last_run(), group) || held->snapshot() == nullptr;
    return Entry{std::move(*held), std::move(deciding), is_first};
  }
  if (awaits(snapshot::load_run(root, folder), group)) {
    if (auto held = snapshot::Held::try_hold(root, name, k_purpose, os::LockMode::past_gate)) {
      return Entry{std::move(*held), std::move(deciding), false};
    }
  }
  return std::nullopt;
}

void add_to(snapshot::GuardRecord& common, const snapshot::GuardRecord& task) {
  if (task.state > common.state) { // the worst comes last
    common.state = task.state;
    common.reason = task.reason;
  }
  if (!task.report) {
    return;
  }
  if (!common.report) {
    common.report = task.report;
    return;
  }
  auto& out = *common.report;
  const auto& did = *task.report;
  out.made_private.insert(out.made_private.end(), did.made_private.begin(), did.made_private.end());
  std::ranges::sort(out.made_private, {}, &snapshot::TouchedFile::path);
  for (const auto& [call, cost] : did.calls) {
    out.calls[call].count += cost.count;
    out.calls[call].seconds += cost.seconds;
  }
  for (const auto& [what, count] : did.unjudged) {
    out.unjudged[what] += count;
  }
  for (const auto& [what, count] : did.failed) {
    out.failed[what] += count;
  }
  out.source_calls.insert(out.source_calls.end(), did.source_calls.begin(), did.source_calls.end());
  out.more_source_calls += did.more_source_calls;
}

} // namespace

Group group_here() {
  const auto here = os::Environment::current();
  const auto job = here.get("SLURM_JOB_ID");
  const auto step = here.get("SLURM_STEP_ID");
  Group out;
  if (job && step) {
    out.id = os::format("Slurm's {}.{}", *job, *step);
    const auto tasks = here.get("SLURM_STEP_NUM_TASKS").value_or("");
    std::from_chars(tasks.data(), tasks.data() + tasks.size(), out.tasks);
  }
  return out;
}

Entry enter(const snapshot::Root& root, const std::string& name, const std::optional<Group>& group,
            const Waiting& waiting) {
  const auto& patience = waiting.patience;
  if (!group) {
    return {snapshot::Held(root, name, "snapfix run", patience), std::nullopt, true};
  }
  const auto began = Clock::now();
  auto asked = began;
  for (bool said = false;;) {
    if (auto entry = try_enter(root, name, *group)) {
      return std::move(*entry);
    }
    const auto waited = Clock::now() - began;
    if (patience && waited >= *patience) {
      const auto folder = snapshot::folder_of_name(name);
      root.lock_name(folder, "snapfix run", std::chrono::milliseconds(0)); // says who has it
    }
    if (waiting.is_wanted && Clock::now() - asked > k_soon) {
      if (!waiting.is_wanted()) {
        throw os::Error("the run that submitted this job is gone: it does not wait any longer");
      }
      asked = Clock::now();
    }
    if (!said && waited > k_soon) {
      os::note(os::format("waiting for who works in {}", os::quoted(name)));
      said = true;
    }
    std::this_thread::sleep_for(k_pause);
  }
}

void add_to(snapshot::RunRecord& common, const snapshot::RunRecord& task) {
  auto& group = *common.group;
  ++group.ended;
  const auto end = task.end.value_or(snapshot::RunEnd{"", k_failed, 0});
  const auto verdict = common.finish ? common.finish->verdict : snapshot::Verdict();
  const bool is_first = group.ended == 1;
  if (is_first || is_worse(end, group.worst, verdict)) {
    group.worst = end;
    common.command = task.command; // so that the command that is told is the one that ended so
    common.environment = task.environment;
    common.folder = task.folder;
  }
  common.outlived.insert(common.outlived.end(), task.outlived.begin(), task.outlived.end());
  add_to(common.guard, task.guard);
}

void announce(Entry& entry, snapshot::RunRecord& task, const Group& group) {
  auto& held = entry.held;
  auto common = entry.is_first ? std::nullopt : snapshot::load_run(held.root(), held.folder());
  const bool stands = common && common->group;
  task.group = stands ? common->group : snapshot::RunGroup{group.id, group.tasks, 0, 0, {}};
  ++task.group->begun;
  auto& record = common ? *common : task; // what the first one has written stays
  record.group = task.group;
  if (!common) {
    held.root().discard_work(held.folder()); // of guards that were killed
  }
  snapshot::write_run(held.root(), held.folder(), record);
  held.root().work().ensure_child(held.folder().c_str(), 0700);
  held.change(os::LockMode::shared);
  entry.deciding.reset();
}

std::optional<os::Error> missing_tasks(const snapshot::RunGroup& group) {
  if (group.begun < group.tasks) {
    return os::Error(
        os::format("{} of {} tasks did not begin", group.tasks - group.begun, group.tasks),
        "is their number that of --tasks?");
  }
  if (group.ended < group.begun) {
    return os::Error(
        os::format("{} of {} tasks have left no end", group.begun - group.ended, group.begun),
        "they were killed: by whom, tells what has started them");
  }
  return std::nullopt;
}

bool leave(Entry& entry, snapshot::RunRecord& task, bool has_begun, const Waiting& waiting) {
  auto& held = entry.held;
  const auto longest = waiting.patience.value_or(k_longest_start);
  const auto began = Clock::now();
  bool says_waiting = false;
  for (bool is_told = false;; is_told = true) {
    if (!entry.deciding) {
      entry.deciding = os::Lock::acquire(held.root().locks(), lock_of(held.folder()), k_deciding);
    }
    auto common = snapshot::load_run(held.root(), held.folder());
    if (common && common->group && has_begun && !is_told) {
      add_to(*common, task);
      snapshot::write_run(held.root(), held.folder(), *common);
    }
    if (!held.change(os::LockMode::exclusive)) {
      held.let_go(); // first: who decides next may then be the last one
      entry.deciding.reset();
      return false;
    }
    if (!common || !common->group) {
      return true; // its command has removed it all
    }
    const auto& group = *common->group;
    const bool all_came = group.begun >= group.tasks;
    if (all_came || Clock::now() - began > longest || (waiting.is_wanted && !waiting.is_wanted())) {
      const auto all = std::max(group.begun, group.tasks);
      if (group.ended == all) {
        common->end = group.worst;
        common->end->at = os::to_iso8601(os::now());
        common->times.ended = os::to_seconds(os::now());
      }
      if (const auto missing = missing_tasks(group)) {
        common->failure = missing->what();
        os::note(common->failure);
      }
      common->group->is_over = true;
      task = std::move(*common);
      snapshot::write_run(held.root(), held.folder(), task);
      return true;
    }
    if (!says_waiting && Clock::now() - began > k_long) {
      os::note(os::format("waiting for {} more of {} (at most {} s)", group.tasks - group.begun,
                          os::counted(group.tasks, "task"),
                          std::chrono::ceil<std::chrono::seconds>(longest).count()));
      says_waiting = true;
    }
    held.change(os::LockMode::shared);
    entry.deciding.reset();
    std::this_thread::sleep_for(k_pause);
  }
}

void end_group(const Entry& entry) {
  entry.deciding->remove_file(entry.held.root().locks(), lock_of(entry.held.folder()));
}

} // namespace snapfix::job
