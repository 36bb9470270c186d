#include "snapshot/manage.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/progress.hpp"
#include "os/remove_tree.hpp"
#include "os/time_text.hpp"
#include "snapshot/history.hpp"
#include "snapshot/name.hpp"

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

namespace snapfix::snapshot {
namespace {

/// By the end of its command alone.
std::pair<Outcome, std::string> judge_end(const std::optional<RunRecord>& run,
                                          const Verdict& verdict) {
  using enum Outcome;
  if (!run) {
    return {failed, "no run of a command in it is recorded"};
  }
  if (!run->end) {
    return {killed, run->why_no_end()};
  }
  if (run->end->signal != 0) {
    return {failed, os::format("its command was killed by signal {}", run->end->signal)};
  }
  if (verdict.by_output) {
    return {unknown, "its test is judged by its output, which only ctest sees"};
  }
  const auto outcome = outcome_of(*run->end, verdict);
  if (outcome != failed) {
    return {outcome, ""};
  }
  return {failed, os::format("its command ended with exit code {}{}", run->end->status,
                             verdict.will_fail ? ", and WILL_FAIL expects a failure" : "")};
}

/// The end of a run whose outcome is a failure by another reason: both are told. Empty if its
/// command did as it should.
std::string and_end_of(const std::optional<RunRecord>& run, const Verdict& verdict) {
  const auto [outcome, reason] = judge_end(run, verdict);
  const bool has_failed = outcome == Outcome::failed || outcome == Outcome::killed;
  return has_failed && run ? ", and " + reason : "";
}

/// How a run ended, and the reason to keep its snapshot under Keep::on_failure; empty if it goes.
std::pair<Outcome, std::string> judge(Update update, const std::optional<RunRecord>& run,
                                      const Verdict& verdict, const std::string& fault,
                                      const Verified& verified) {
  using enum Outcome;
  if (!verified.findings.empty()) {
    return {failed, "shared files were changed" + and_end_of(run, verdict)};
  }
  if (!fault.empty()) {
    return {failed, fault + and_end_of(run, verdict)};
  }
  if (update == Update::unfinished) {
    return {failed, "an update of it was cut short"};
  }
  return judge_end(run, verdict);
}

std::vector<std::string> remove_tree_of(Held& held) {
  const Root& root = held.root();
  std::vector<std::string> left;
  {
    const auto removing = root.try_lock_trash(os::LockMode::shared);
    const auto discarded = root.discard_tree(held.folder());
    root.forget(held.folder());
    held.remove_lock_file();
    held.put(std::nullopt);
    if (discarded) {
      os::Progress progress(os::format("removing {}", os::quoted(held.folder())), 0);
      left = os::remove_tree(root.trash(), discarded->c_str(), &progress);
    }
  }
  root.clear_debris(); // what is left of others is for prune to tell
  return left;
}

/// The command has taken its tree away, maybe after it wrote to shared files.
void finish_without_tree(Held& held, Verified& out,
                         const std::function<void(const Verified&)>& tell) {
  const Root& root = held.root();
  if (auto manifest = SnapshotManifest::load(root.snapshots(), held.folder())) {
    const Snapshot gone(root, held.folder(), std::move(*manifest));
    if (gone.find_base() != nullptr) {
      out = verify(gone, VerifyDepth::stats);
      tell(out);
    }
  }
  root.forget(held.folder());
  held.remove_lock_file();
  held.put(std::nullopt);
  root.clear_debris();
}

struct Aged {
  os::Time made;
  std::string folder;
};

/// When the snapshot was made.
std::optional<os::Time> age_of(const Root& root, const std::string& folder) {
  const auto stat = root.snapshots().try_stat(folder.c_str());
  return stat && Snapshot::find(root, folder) ? std::optional(stat->mtime) : std::nullopt;
}

/// The snapshots that the options give up, newest first judged, and scratch ones of who was killed.
std::vector<Aged> to_prune(const Root& root, const PruneOptions& options) {
  std::vector<Aged> all;
  std::vector<Aged> out;
  for (const auto& folder : root.snapshot_folders()) {
    if (const auto made = age_of(root, folder)) {
      (folder.starts_with(k_scratch_prefix) ? out : all).push_back({*made, folder});
    }
  }
  if (!options.keep && !options.older_than_seconds) {
    return out;
  }
  std::ranges::sort(all, std::ranges::greater(), &Aged::made);
  const os::Time now = os::now();
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool beyond = options.keep && i >= *options.keep;
    const os::Time made = all[i].made;
    const bool old = options.older_than_seconds &&
                     os::Time{made.seconds + *options.older_than_seconds, made.nanoseconds} < now;
    // Both given: only what is old goes, and of the newest so many nothing.
    if (options.keep && options.older_than_seconds ? beyond && old : beyond || old) {
      out.push_back(all[i]);
    }
  }
  return out;
}

/// What writers of manifests and records left that were killed: nobody writes those of a snapshot
/// without the lock of its name, nor those of a freeze without the store's.
void clear_half_written(const Root& root) {
  const auto history = root.make_inner(k_histories);
  for (const auto* dir : {&root.snapshots(), &root.runs(), &root.holds(), &history}) {
    for (const auto& entry : dir->entries()) {
      const auto key = os::half_replaced(entry.name);
      const bool is_of_freeze = dir == &history && key && is_freeze(*key);
      if (key && (is_of_freeze ? root.try_lock_store()
                               : root.try_lock_name(key->substr(0, key->find(':'))))) {
        dir->unlink_if_present(entry.name.c_str());
      }
    }
  }
}

/// Manifests, records and locks of names that have no tree.
void forget_treeless(const Root& root) {
  for (const auto& folder : root.recorded_folders()) {
    const os::Dir& trees = is_spare(folder) ? root.spares() : root.top();
    const auto has_tree = [&] { return trees.try_stat(folder.c_str()).has_value(); };
    if (has_tree()) {
      continue;
    }
    const auto lock = root.try_lock_name(folder);
    if (lock && !has_tree()) {
      root.forget(folder);
      root.remove_lock_file(folder, *lock);
    }
  }
}

} // namespace

std::vector<std::string> remove(Held& held) {
  if (!has_record(held.root(), held.folder()) || !held.root().stat_of_tree(held.folder())) {
    held.require();
  }
  require_not_held(held);
  return remove_tree_of(held);
}

Finished finish(Held& held, std::optional<RunRecord> run, const FinishOptions& options,
                const std::string& fault, const std::function<void(const Verified&)>& tell) {
  const Root& root = held.root();
  if (run && !run->started.empty() && run->command.empty()) { // it did not come to that
    root.runs().unlink_if_present(held.folder().c_str());
    run.reset();
  }
  Finished out;
  if (!root.top().try_stat(held.folder().c_str())) {
    finish_without_tree(held, out.verified, tell);
    std::tie(out.outcome, out.reason) =
        judge(Update::none, run, options.verdict, fault, out.verified);
    return out;
  }
  out.existed = true;
  const Snapshot& snapshot = held.require();
  out.verified = verify(snapshot, VerifyDepth::stats);
  tell(out.verified);
  std::tie(out.outcome, out.reason) =
      judge(snapshot.meta().update, run, options.verdict, fault, out.verified);
  if (options.keep != Keep::never) {
    out.why_kept = out.reason;
  }
  if (options.keep == Keep::always && out.why_kept.empty()) {
    out.why_kept = "as asked";
  }
  const bool tells_of_run = run || !fault.empty() || !out.verified.findings.empty();
  if (const auto by = holders(held); !by.empty()) {
    out.why_kept =
        (out.why_kept.empty() || !tells_of_run ? "" : out.why_kept + "; ") + "held by " + by;
  }
  out.kept = !out.why_kept.empty();
  if (run && (out.kept || !out.verified.findings.empty())) {
    run->changes = out.verified.changes();
    run->why_kept = out.why_kept;
    if (!options.pack_environment.empty()) {
      run->wishes.pack_environment = options.pack_environment;
    }
    run->finish.reset();
    try {
      write_run(root, held.folder(), *run);
    } catch (const os::Error& error) { // how the command ended is what counts
      os::note(os::format("what the run has changed is not recorded: {}", error.what()));
    }
  }
  if (!out.kept) {
    if (out.verified.findings.empty()) {
      out.handed_on = hand_on(snapshot, run, out.verified, options.spares);
    }
    out.left = remove_tree_of(held);
  }
  return out;
}

Description describe(const Snapshot& snapshot) {
  Description out{snapshot.path(), snapshot.manifest().base, snapshot.meta(), contents_of(snapshot),
                  load_run(snapshot.root(), snapshot.folder())};
  out.holds = holds_of(snapshot.root(), snapshot.folder());
  out.is_running = out.run && !out.run->end && snapshot.root().is_name_locked(snapshot.folder());
  return out;
}

Listed list(const Root& root) {
  Listed out{root.path(), {}, {}, count_spares(root)};
  for (const auto& folder : root.snapshot_folders()) {
    if (const auto snapshot = Snapshot::find(root, folder)) {
      out.snapshots.push_back(describe(*snapshot));
    } else if (is_damaged(root, folder)) {
      out.damaged.push_back(folder);
    }
  }
  return out;
}

Pruned prune(const Root& root, const PruneOptions& options) {
  Pruned out;
  std::set<std::string> would_go;
  for (const auto& [made, folder] : to_prune(root, options)) {
    auto held = Held::try_hold(root, folder);
    if (!held) {
      const auto snapshot = Snapshot::find(root, folder);
      if (snapshot && !folder.starts_with(k_scratch_prefix)) {
        out.in_use.push_back(snapshot->name());
      }
      continue;
    }
    if (age_of(root, folder) != made) {
      continue; // removed, or made anew, before we had the lock
    }
    if (auto by = holders(*held); !by.empty()) {
      out.held.emplace_back(held->name(), std::move(by));
      continue;
    }
    out.snapshots.push_back(held->name());
    would_go.insert(folder);
    if (const auto contents = contents_of(held->require())) {
      out.bytes += contents->bytes_private + contents->bytes_added;
    }
    if (!options.dry_run) {
      remove_tree_of(*held);
    }
  }
  for (const auto& spare : trim_spares(root, options.spares, options.dry_run)) {
    would_go.insert(spare);
  }
  if (!options.dry_run) {
    clear_half_written(root);
    forget_treeless(root);
    trim_histories(root, options.older_than_seconds);
    out.left = root.clear_debris();
  }
  out.store = collect_all(root, options.dry_run ? std::optional(would_go) : std::nullopt);
  out.bytes += out.store.bytes;
  return out;
}

} // namespace snapfix::snapshot
