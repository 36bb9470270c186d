#include "snapshot/manage.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/progress.hpp"
#include "os/remove_tree.hpp"
#include "os/time_text.hpp"
#include "snapshot/find.hpp"
#include "snapshot/name.hpp"

#include <algorithm>
#include <set>

namespace snapfix::snapshot {
namespace {

/// Why a snapshot is kept under Keep::on_failure; empty if it goes.
std::string reason_to_keep(const Root& root, const std::string& folder, const Verdict& verdict,
                           const std::string& fault, const Verified& verified) {
  if (!verified.findings.empty()) {
    return "shared files were changed";
  }
  if (!fault.empty()) {
    return fault;
  }
  if (const auto manifest = find_snapshot(root, folder);
      manifest && manifest->meta.update == Update::unfinished) {
    return "an update of it was cut short";
  }
  const auto run = load_run(root, folder);
  if (!run) {
    return "no run of a command in it is recorded";
  }
  if (!run->end) {
    return "its run has no recorded end";
  }
  if (run->end->signal != 0) {
    return os::format("its command was killed by signal {}", run->end->signal);
  }
  if (verdict.by_output) {
    return "its test is judged by its output, which only ctest sees";
  }
  const int status = run->end->status;
  if (verdict.skip_return_code == status || (status != 0) == verdict.will_fail) {
    return "";
  }
  return os::format("its command ended with exit code {}", status);
}

std::vector<std::string> remove_tree_of(const Root& root, const std::string& folder,
                                        const os::Lock& held) {
  std::vector<std::string> left;
  {
    const auto removing = root.try_lock_trash(os::LockMode::shared);
    const auto discarded = root.discard_tree(folder);
    root.forget(folder);
    root.remove_lock_file(folder, held);
    if (discarded) {
      os::Progress progress(os::format("removing {}", os::quoted(folder)), 0);
      left = os::remove_tree(root.trash(), discarded->c_str(), &progress);
    }
  }
  root.clear_debris(); // what is left of others is for prune to tell
  return left;
}

struct Aged {
  os::Time made;
  std::string folder;
};

/// When the snapshot was made.
std::optional<os::Time> age_of(const Root& root, const std::string& folder) {
  const auto stat = root.snapshots().try_stat(folder.c_str());
  return stat && find_snapshot(root, folder) ? std::optional(stat->mtime) : std::nullopt;
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
/// without the lock of its name.
void clear_half_written(const Root& root) {
  for (const auto* dir : {&root.snapshots(), &root.runs()}) {
    for (const auto& entry : dir->entries()) {
      const auto folder = os::half_replaced(entry.name);
      if (folder && root.try_lock_name(*folder)) {
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

Description describe(const Root& root, const std::string& folder, const SnapshotManifest& manifest,
                     const Standing& standing) {
  return {root.path() + "/" + folder, manifest.base, manifest.meta,
          contents_of(root, folder, manifest, standing), load_run(root, folder)};
}

} // namespace

std::vector<std::string> remove(const Root& root, const std::string& name, const os::Lock& held) {
  const std::string folder = folder_of_name(name);
  if (!has_record(root, folder) || !root.stat_of_tree(folder)) {
    require_snapshot(root, name);
  }
  return remove_tree_of(root, folder, held);
}

Finished finish(const Root& root, const std::string& name, const os::Lock& held,
                const FinishOptions& options, const std::string& fault,
                const std::function<void(const Verified&)>& tell) {
  const std::string folder = folder_of_name(name);
  Finished out;
  if (!root.top().try_stat(folder.c_str())) {
    root.remove_lock_file(folder, held);
    root.clear_debris();
    return out;
  }
  out.existed = true;
  out.verified = verify(root, name, VerifyDepth::stats);
  tell(out.verified);
  if (options.keep == Keep::always) {
    out.why_kept = "as asked";
  } else if (options.keep == Keep::on_failure) {
    out.why_kept = reason_to_keep(root, folder, options.verdict, fault, out.verified);
  }
  out.kept = !out.why_kept.empty();
  auto record = out.kept || !out.verified.findings.empty() ? load_run(root, folder) : std::nullopt;
  if (record) {
    record->changes = out.verified.changes();
    record->finish.reset();
    write_run(root, folder, *record);
  }
  if (!out.kept) {
    if (out.verified.findings.empty()) {
      out.handed_on = hand_on(root, folder, out.verified, options.spares);
    }
    out.left = remove_tree_of(root, folder, held);
  }
  return out;
}

Description describe(const Root& root, const std::string& name) {
  const std::string folder = folder_of_name(name);
  const Standing standing(root, folder);
  return describe(root, folder, require_snapshot(root, name), standing);
}

Listed list(const Root& root) {
  Listed out{root.path(), {}, {}, count_spares(root)};
  for (const auto& folder : root.snapshot_folders()) {
    const Standing standing(root, folder);
    if (const auto manifest = find_snapshot(root, folder)) {
      out.snapshots.push_back(describe(root, folder, *manifest, standing));
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
    const Standing standing(root, folder);
    const auto manifest = find_snapshot(root, folder);
    if (!manifest) {
      continue;
    }
    const std::string name = manifest->meta.name;
    const auto lock = root.try_lock_name(folder);
    if (!lock) {
      if (!folder.starts_with(k_scratch_prefix)) {
        out.in_use.push_back(name);
      }
      continue;
    }
    if (age_of(root, folder) != made) {
      continue; // removed, or made anew, before we had the lock
    }
    out.snapshots.push_back(name);
    would_go.insert(folder);
    if (const auto contents = contents_of(root, folder, *manifest, standing)) {
      out.bytes += contents->bytes_private + contents->bytes_added;
    }
    if (!options.dry_run) {
      remove_tree_of(root, folder, *lock);
    }
  }
  for (const auto& spare : trim_spares(root, options.spares, options.dry_run)) {
    would_go.insert(spare);
  }
  if (!options.dry_run) {
    clear_half_written(root);
    forget_treeless(root);
    out.left = root.clear_debris();
  }
  out.store = collect_all(root, options.dry_run ? std::optional(would_go) : std::nullopt);
  out.bytes += out.store.bytes;
  return out;
}

} // namespace snapfix::snapshot
