#include "snapshot/spares.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/mounts.hpp"
#include "os/process.hpp"
#include "os/remove_tree.hpp"
#include "os/time_text.hpp"
#include "snapshot/own_folder.hpp"
#include "snapshot/run_record.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace snapfix::snapshot {
namespace {

/// What no folder of a snapshot begins with (name.hpp).
constexpr const char* k_prefix = "~spare.";

/// A spare whose lock we hold.
struct HeldSpare {
  std::string folder;
  os::Lock lock;
  SnapshotManifest manifest;
};

std::vector<std::string> spares_of(const Root& root) {
  std::vector<std::string> out;
  for (const auto& entry : root.spares().entries()) {
    out.push_back(entry.name);
  }
  std::ranges::sort(out);
  return out;
}

void forget(const Root& root, const std::string& spare, const os::Lock& lock) {
  root.forget(spare);
  root.remove_lock_file(spare, lock);
}

/// Its tree goes by way of the trash.
void remove(const Root& root, const std::string& spare, const os::Lock& lock) {
  const auto removing = root.try_lock_trash(os::LockMode::shared);
  const std::string discarded = root.discard_spare(spare);
  forget(root, spare, lock);
  os::remove_tree(root.trash(), discarded.c_str());
}

/// Nothing where somebody else is at it, or was. What has no sound manifest goes.
std::optional<HeldSpare> hold(const Root& root, const std::string& spare) {
  auto lock = root.try_lock_name(spare);
  if (!lock || !root.spares().try_stat(spare.c_str())) {
    return std::nullopt;
  }
  auto manifest = SnapshotManifest::load(root.snapshots(), spare);
  if (!manifest) {
    remove(root, spare, *lock);
    return std::nullopt;
  }
  return HeldSpare{spare, std::move(*lock), std::move(*manifest)};
}

/// Why a tree is not handed on that may be changed by somebody, or is not as a new one would be.
std::string obstacle(const Snapshot& snapshot, const std::optional<RunRecord>& run) {
  const std::string path = snapshot.path();
  if (snapshot.meta().update != Update::none) {
    return "it was updated since it was made";
  }
  if (run && !run->ended_cleanly()) {
    return "a process of its command may live";
  }
  if (const auto processes = os::processes_in(path); !processes.empty()) {
    return os::format("{} (pid {}) is at work in it", processes.front().name,
                      processes.front().pid);
  }
  return os::holds_mounts(path) ? "something is mounted in it" : "";
}

/// The lock of a name for one more spare; nothing if there are enough. One of another base makes
/// room.
std::optional<std::pair<std::string, os::Lock>> free_name(const Root& root, std::size_t most,
                                                          const os::Hash& base) {
  for (const bool makes_room : {false, true}) {
    for (std::size_t i = 0; i < most; ++i) {
      const std::string name = os::format("{}{}", k_prefix, i);
      if (makes_room) {
        if (const auto other = hold(root, name); other && other->manifest.base != base) {
          remove(root, name, other->lock);
        }
      }
      auto lock = root.try_lock_name(name);
      if (lock && !root.spares().try_stat(name.c_str())) {
        return std::pair(name, std::move(*lock));
      }
    }
  }
  return std::nullopt;
}

/// Sets the tree in `work/<folder>` right.
SnapshotManifest make_pristine(const Snapshot& snapshot, const Verified& verified) {
  const Root& root = snapshot.root();
  const auto store = root.lock_store(os::LockMode::shared, "snapfix, handing on a tree");
  const os::Dir tree = root.work().open_child(snapshot.folder().c_str());
  require_ours(tree);
  TreeOptions options;
  snapshot.meta().options.put_into(options, snapshot.meta().source);
  const KnownTree known{snapshot.manifest(), verified.pristine};
  auto made = refresh_tree(root, snapshot.base(), options, tree, &known);
  SnapshotManifest out = snapshot.manifest();
  out.meta.created = os::to_iso8601(os::now());
  out.meta.ledger = made.ledger;
  out.made = std::move(made.made);
  out.inodes = std::move(made.inodes);
  out.folders = std::move(made.folders);
  return out;
}

/// Whether `spare` could be given to who wants a tree of that source, with those options.
bool serves(const SnapshotManifest& spare, const Base& base, const TreeOptions& options) {
  return spare.meta.source == base.meta().source &&
         spare.meta.options == RecordedOptions::of(options) &&
         !(options.strict && spare.meta.ledger.copied() != 0);
}

} // namespace

bool is_spare(const std::string& folder) {
  return folder.starts_with(k_prefix);
}

bool is_of(const SnapshotManifest& spare, const Base& base) {
  if (spare.base != base.id() || spare.made.size() != base.files().size()) {
    return false;
  }
  for (std::size_t i = 0; i < spare.made.size(); ++i) { // objects that were healed have others
    if (spare.made[i] == Made::linked && spare.inodes[i] != base.files()[i].inode) {
      return false;
    }
  }
  return true;
}

HandedOn hand_on(const Snapshot& snapshot, const std::optional<RunRecord>& run,
                 const Verified& verified, std::size_t most) {
  const Root& root = snapshot.root();
  const Base* base = snapshot.find_base();
  if (most == 0 || base == nullptr || snapshot.meta().options.link_from != LinkFrom::store) {
    return {};
  }
  if (auto why_not = obstacle(snapshot, run); !why_not.empty()) {
    return {false, std::move(why_not)};
  }
  const auto name = free_name(root, most, base->id());
  if (!name) {
    return {};
  }
  const std::string& folder = snapshot.folder();
  try {
    root.discard_work(folder);
    root.take_tree(folder);
    const auto spare = make_pristine(snapshot, verified);
    spare.prepare(root.snapshots(), name->first).commit();
    root.put_spare(folder, name->first);
    return {true, ""};
  } catch (const os::Error&) {      // something in it is not ours to change
  } catch (const DamagedObjects&) { // the next who wants it made anew has it healed
  }
  root.discard_work(folder);
  forget(root, name->first, name->second);
  return {};
}

std::optional<SnapshotManifest> take_spare(const Root& root, const std::string& folder,
                                           const Base& base, const TreeOptions& options) {
  std::optional<HeldSpare> best;
  for (const auto& name : spares_of(root)) {
    auto spare = hold(root, name);
    if (!spare || !serves(spare->manifest, base, options)) {
      continue;
    }
    const bool is_best = is_of(spare->manifest, base);
    if (is_best || !best) {
      best = std::move(spare);
    }
    if (is_best) {
      break;
    }
  }
  if (!best) {
    return std::nullopt;
  }
  root.discard_work(folder);
  root.take_spare(best->folder, folder);
  forget(root, best->folder, best->lock);
  return std::move(best->manifest);
}

Spares count_spares(const Root& root) {
  Spares out;
  for (const auto& name : spares_of(root)) {
    if (const auto manifest = SnapshotManifest::load(root.snapshots(), name)) {
      ++out.trees;
      out.entries += manifest->meta.ledger.entries();
    }
  }
  return out;
}

std::vector<std::string> trim_spares(const Root& root, std::optional<std::uint64_t> most,
                                     bool dry_run) {
  const auto newest = FreezeRecord::last_bases(root.sources());
  std::vector<std::string> out;
  std::uint64_t stay = 0;
  for (const auto& name : spares_of(root)) {
    const auto spare = hold(root, name);
    if (!spare || (newest.contains(spare->manifest.base) && (!most || stay < *most))) {
      ++stay;
      continue;
    }
    if (!dry_run) {
      remove(root, name, spare->lock);
    }
    out.push_back(name);
  }
  return out;
}

} // namespace snapfix::snapshot
