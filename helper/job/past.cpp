#include "job/past.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/time_text.hpp"
#include "os/units.hpp"
#include "snapshot/run_record.hpp"

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

namespace snapfix::job {
namespace {

/// The first of them, and how many more there are.
template<typename Value>
std::uint64_t take_most(const std::vector<Value>& from, std::vector<Value>& to) {
  const auto count = std::min(from.size(), snapshot::k_most_details);
  to.assign(from.begin(), from.begin() + static_cast<std::ptrdiff_t>(count));
  return from.size() - count;
}

/// Whom a finding points to: this run itself, or another test's.
std::string of_unguarded(std::set<std::string> unguarded, const std::string& name) {
  const auto count = unguarded.erase(name);
  const auto others = os::joined(unguarded, ", ");
  if (count == 0) {
    return others.empty() ? ""
                          : "; it was changed by another test: without the guard ran " + others;
  }
  return "; it ran without the guard" + (others.empty() ? "" : ", as did " + others);
}

std::vector<std::string> findings_of(const Finishing& finishing) {
  std::vector<std::string> out;
  const auto& verified = finishing.snapshot.verified;
  const auto unguarded = of_unguarded(verified.unguarded, finishing.name);
  for (const auto& finding : verified.findings) {
    out.push_back(os::format("{} was changed through a link ({}); it is shared by {}{}",
                             os::quoted(finding.path), os::joined(finding.what, ", "),
                             os::joined(finding.suspects, ", "), unguarded));
  }
  for (const auto& [path, program, call] : finishing.source_writes) {
    out.push_back(os::format("{} of the source was written to ({} of {})", os::quoted(path), call,
                             os::quoted(program)));
  }
  if (finishing.lock_changed) {
    out.emplace_back("the lock of uv was changed");
  }
  if (!verified.not_healed.empty()) {
    out.push_back("the store has not been healed: " + verified.not_healed);
  }
  std::vector<std::string> most;
  if (const auto more = take_most(out, most)) {
    most.push_back(os::format("and {} more", more));
  }
  return most;
}

std::vector<std::string> notes_of(const snapshot::RunRecord& run) {
  std::vector<std::string> out;
  if (run.group && run.group->begun > 1) {
    out.push_back(os::format("{} tasks worked in it, the first on {}", run.group->begun, run.host));
  }
  for (const auto& process : run.outlived) {
    out.push_back(os::format("process {} ({}) outlived the command", process.pid, process.name));
  }
  if (!run.guard.reason.empty()) {
    out.push_back("it ran without the guard: " + run.guard.reason);
  }
  if (const auto& did = run.guard.report) {
    for (const auto& [what, count] : did->failed) {
      out.push_back(os::format("a shared file could not be made private: {} ({})", what,
                               os::counted(count, "time")));
    }
    for (const auto& [path, program, call] : did->source_calls) {
      out.push_back(
          os::format("{} {} of the source ({} of {})",
                     did->source_writes == "deny" ? "was kept from writing to" : "wrote to",
                     os::quoted(path), call, os::quoted(program)));
    }
  }
  std::vector<std::string> most;
  take_most(out, most);
  return most;
}

void note_not_remembered(const os::Error& error) {
  os::note(os::format("the run is not in the history: {}", error.what()));
}

void write(const snapshot::Root& root, const std::string& key, snapshot::PastRun run) {
  try {
    snapshot::remember(root, key, std::move(run));
  } catch (const os::Error& error) { // how the command ended is what counts
    note_not_remembered(error);
  }
}

} // namespace

snapshot::PastRun past_run_of(const std::string& name, const snapshot::RunRecord& run) {
  snapshot::PastRun out;
  out.name = name;
  out.host = run.host;
  out.pid = run.pid;
  out.parent = run.parent;
  out.ctest = run.ctest;
  out.times = run.times;
  auto& details = out.details.emplace();
  details.command = run.command;
  details.end = run.end;
  details.changes = run.changes;
  details.guard = os::word_of(run.guard.state);
  details.notes = notes_of(run);
  if (run.guard.report) {
    details.more_private = take_most(run.guard.report->made_private, details.made_private);
  }
  return out;
}

std::optional<TreeOfRun> tree_of_run(const snapshot::Held& held) {
  const auto* snapshot = held.snapshot();
  const auto stat = held.root().snapshots().try_stat(held.folder().c_str());
  return snapshot != nullptr && stat
             ? std::optional(TreeOfRun{snapshot->meta().ledger, os::to_seconds(stat->mtime)})
             : std::nullopt;
}

void remember(const snapshot::Held& held, const snapshot::RunRecord& run,
              const std::optional<TreeOfRun>& tree, const Finishing& finishing,
              const std::string& failure) {
  auto out = past_run_of(held.name(), run);
  const auto& finished = finishing.snapshot;
  out.outcome = failure.empty() ? finished.outcome : snapshot::Outcome::failed;
  out.reason = failure.empty() ? finished.reason : failure;
  out.why_kept = finished.why_kept;
  out.finishing = finishing.began;
  out.finished = os::to_seconds(os::now());
  if (tree) {
    const auto& ledger = tree->ledger;
    out.tree = {ledger.entries(), ledger.bytes_shared + ledger.bytes_copied, ledger.bytes_copied,
                ledger.handed_on};
    if (out.times.taken == 0) { // another process took it
      out.times.taken = tree->made;
      out.times.taking = tree->made - ledger.seconds;
    }
  }
  auto& details = *out.details;
  details.changes = finished.verified.changes();
  details.findings = findings_of(finishing);
  details.pack = finishing.pack;
  write(held.root(), held.folder(), std::move(out));
}

void remember_failure(const snapshot::Held& held, const snapshot::RunRecord& run,
                      const std::string& failure) {
  auto out = past_run_of(held.name(), run);
  out.outcome = snapshot::Outcome::failed;
  out.reason = failure;
  out.finished = os::to_seconds(os::now());
  write(held.root(), held.folder(), std::move(out));
}

void remember_job(const snapshot::Root& root, const std::string& name,
                  const snapshot::RunRecord& submitted, const std::string& pack,
                  const std::string& failure) try {
  constexpr std::chrono::seconds k_most{2}; // what was killed may hold it for a moment
  const snapshot::Held held(root, name, "snapfix run", k_most);
  const auto is_it = [&](const auto& run) {
    return run && run->times.asked == submitted.times.asked && run->parent == submitted.parent;
  };
  auto past = snapshot::last_past_run(root, held.folder());
  auto run = held.last_run();
  if (is_it(past)) {
    if (past->details) {
      past->details->pack = pack;
    }
    if (!failure.empty() && past->outcome != snapshot::Outcome::killed &&
        past->outcome != snapshot::Outcome::failed) {
      past->outcome = snapshot::Outcome::failed;
      past->reason = failure;
    }
    write(root, held.folder(), std::move(*past));
  } else if (is_it(run) && !run->end) {
    run->failure = failure;
    snapshot::write_run(root, held.folder(), *run);
  } else {
    remember_failure(held, submitted, failure);
  }
  if (held.snapshot() == nullptr) {
    held.remove_lock_file();
  }
} catch (const os::Error& error) { // how the job ended is what counts
  note_not_remembered(error);
}

std::string message_of(const std::exception_ptr& failure) {
  try {
    if (failure) {
      std::rethrow_exception(failure);
    }
  } catch (const std::exception& error) {
    return error.what();
  } catch (...) { // it is told all the same
    return "snapfix could not go on";
  }
  return {};
}

void remember_freeze(const snapshot::Root& root, const os::Hash& key,
                     const snapshot::Frozen& frozen) {
  snapshot::PastRun out;
  out.name = frozen.base.meta().source;
  out.host = os::host_name();
  out.pid = os::this_process();
  out.ctest = os::folder_of_process(os::parent_process());
  out.parent = snapshot::our_parent();
  out.times.taken = os::to_seconds(os::now());
  out.times.taking = out.times.taken - frozen.seconds;
  out.times.asked = out.times.taking;
  out.finished = out.times.taken;
  out.outcome = snapshot::Outcome::passed;
  out.tree.copied = frozen.counts.bytes_copied;
  out.tree.entries = frozen.base.files().size() + frozen.base.folders().size();
  for (const auto& file : frozen.base.files()) {
    out.tree.bytes += file.is_symlink() ? 0 : file.size;
  }
  write(root, snapshot::key_of_freeze(key), std::move(out));
}

} // namespace snapfix::job
