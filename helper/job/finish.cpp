#include "job/finish.hpp"

#include "job/pack.hpp"
#include "job/past.hpp"
#include "job/pasteable.hpp"
#include "job/report.hpp"
#include "job/source_writes.hpp"
#include "job/uv_locked.hpp"
#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/time_text.hpp"
#include "os/units.hpp"
#include "snapshot/ticket.hpp"

#include <boost/filesystem.hpp>

#include <chrono>
#include <string>

namespace snapfix::job {

std::string make_pack(const snapshot::Held& held, const std::optional<snapshot::RunRecord>& run,
                      const snapshot::FinishOptions& options, const snapshot::Finished& finished) {
  const auto name = pack_name(held.folder());
  const bool has_failed = finished.outcome == snapshot::Outcome::failed ||
                          finished.outcome == snapshot::Outcome::killed;
  try {
    boost::system::error_code failed; // what comes next says it
    boost::filesystem::create_directories(options.pack_to, failed);
    const auto folder = os::Dir::open(options.pack_to);
    folder.unlink_if_present(name.c_str());
    if (finished.kept && has_failed && run && !run->command.empty()) {
      auto path = folder.path_of(name.c_str());
      pack(held.require(), {.environment = options.pack_environment, .verdict = finished.why_kept},
           path);
      return path;
    }
  } catch (const os::Error& error) { // how the command ended is what counts
    os::note(os::format("there is no pack of it: {}", error.what()));
  }
  return {};
}

Finishing finish(snapshot::Held& held, const std::optional<snapshot::RunRecord>& run,
                 const snapshot::FinishOptions& options, const std::string& failure) {
  Finishing out;
  out.began = os::to_seconds(os::now());
  const auto tree = tree_of_run(held);
  std::string fault;
  out.lock_changed = print_changed_locks(held);
  if (out.lock_changed) {
    fault = "the lock was changed";
  }
  out.source_writes = print_source_writes(run);
  if (!out.source_writes.empty()) {
    fault = "the command wrote to the source";
  }
  out.path = held.path();
  out.name = held.name();
  out.root = held.root().path();
  out.snapshot = snapshot::finish(held, run, options, fault, print_findings);
  if (!options.pack_to.empty()) {
    out.pack = make_pack(held, run, options, out.snapshot);
  }
  if (run) {
    remember(held, *run, tree, out, failure);
  }
  return out;
}

void tell_what_became_of(const Finishing& finishing) {
  const auto& finished = finishing.snapshot;
  print_left(finished.left);
  if (!finished.handed_on.why_not.empty()) {
    os::note(os::format("the tree is removed, not handed on: {}", finished.handed_on.why_not));
  }
  if (finished.kept) {
    const auto& now = finished.verified;
    // Words that nobody takes for those of an error: a test's output may be searched for them.
    os::note(os::format("the snapshot is kept in {}: {} ({} private, {} new, {} gone)",
                        finishing.path, finished.why_kept, os::counted(now.made_private, "file"),
                        now.added, now.missing));
    os::print_hint("to have it on another machine: " +
                   (finishing.pack.empty() ? words_for("pack", finishing.name, finishing.root)
                                           : os::format("snapfix repro {} --source CLONE --run",
                                                        shell_word(finishing.pack))));
    os::print_hint("a shell in it: " + words_for("enter", finishing.name, finishing.root));
  }
}

namespace {

/// A run that was to finish its snapshot, and has not done it yet.
std::optional<snapshot::RunRecord> unfinished_run(const snapshot::Root& root,
                                                  const std::string& folder) {
  auto run = snapshot::load_run(root, folder);
  return run && run->finish ? std::move(run) : std::nullopt;
}

/// The snapshot of such a run, if that is over. A job whose submitter is gone ends, wherever it
/// runs: that is waited for.
std::optional<snapshot::Held> hold_killed_run(const snapshot::Root& root,
                                              const std::string& folder) {
  constexpr std::chrono::seconds k_most{60};
  const auto run = unfinished_run(root, folder);
  auto held = run ? snapshot::Held::try_hold(root, folder) : std::nullopt;
  if (!run || held || run->ticket.empty() || snapshot::is_ticket_held(root, run->ticket)) {
    return held;
  }
  if (const auto snapshot = snapshot::Snapshot::find(root, folder)) {
    try {
      held.emplace(snapshot::Held(root, snapshot->name(), "snapfix finish-run", k_most));
    } catch (const os::Error& error) {
      os::note(error.what());
    }
  }
  return held;
}

} // namespace

bool finish_killed_runs(const snapshot::Root& root) {
  snapshot::clear_tickets(root);
  bool has_finding = false;
  for (const auto& folder : root.snapshot_folders()) {
    auto held = hold_killed_run(root, folder);
    const auto run = held ? unfinished_run(root, folder) : std::nullopt;
    if (!run) { // it is at work, was just finished, or begun anew
      continue;
    }
    try {
      os::note(os::format("the run of {} was killed: its snapshot is finished now",
                          os::quoted(held->name())));
      root.discard_work(folder); // of its guard, which was killed with it
      const auto finishing = finish(*held, run, *run->finish);
      tell_what_became_of(finishing);
      has_finding = finishing.has_finding() || has_finding;
    } catch (const os::Error& error) {
      os::note(os::format("{} stays: {}", os::quoted(held->name()), error.what()));
      has_finding = true; // there may be one
    }
    root.clear_debris();
  }
  return has_finding;
}

} // namespace snapfix::job
