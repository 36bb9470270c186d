#include "snapshot/collect.hpp"

#include "os/error.hpp"
#include "os/progress.hpp"
#include "os/remove_tree.hpp"
#include "snapshot/frozen.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/store.hpp"
#include "snapshot/ticket.hpp"

#include <set>
#include <unordered_map>
#include <unordered_set>

namespace snapfix::snapshot {
namespace {

using Ids = std::set<os::Hash>;

struct ObjectHash {
  std::size_t operator()(const os::Hash& object) const noexcept { return object.low; }
};
using Objects = std::unordered_set<os::Hash, ObjectHash>; // as many as there are files

/// What a look at the store that changes nothing leaves aside.
struct DryRun {
  std::set<std::string> would_go;                    ///< folders of snapshots
  std::unordered_map<std::uint64_t, unsigned> links; ///< how many they have to an inode
};

Ids bases_in_use(const Root& root, DryRun* dry_run) {
  Ids out;
  for (const auto& folder : root.snapshot_folders()) {
    const auto manifest = SnapshotManifest::load(root.snapshots(), folder);
    if (!manifest) {
      continue;
    }
    if (dry_run == nullptr || !dry_run->would_go.contains(folder)) {
      out.insert(manifest->base);
      continue;
    }
    for (std::size_t i = 0; i < manifest->made.size(); ++i) {
      dry_run->links[manifest->inodes[i]] += manifest->made[i] == Made::linked ? 1 : 0;
    }
  }
  out.merge(FreezeRecord::last_bases(root.sources()));
  for (const auto& base : bases_of_tickets(root)) {
    out.insert(base);
  }
  for (const auto& base : bases_in_use_by_runs(root)) {
    out.insert(base);
  }
  return out;
}

struct Bases {
  std::vector<Base> used;
  std::vector<Base> unused;
  std::vector<std::string> debris; ///< files that are no base
};

Bases sort_bases(const Root& root, DryRun* dry_run = nullptr) {
  const Ids in_use = bases_in_use(root, dry_run);
  Bases out;
  for (const auto& entry : root.bases().entries()) {
    const auto id = os::Hash::from_hex(entry.name);
    auto base = id ? Base::load(root.bases(), *id) : std::nullopt;
    if (!base) {
      out.debris.push_back(entry.name);
    } else {
      (in_use.contains(*id) ? out.used : out.unused).push_back(std::move(*base));
    }
  }
  return out;
}

/// The objects of that source that bases hold.
Objects objects_of(const std::vector<Base>& bases, const std::string& source) {
  Objects out;
  for (const auto& base : bases) {
    if (base.meta().source == source) {
      for (const auto& file : base.files()) {
        out.insert(file.object);
      }
    }
  }
  return out;
}

void remove_object(const os::Dir& dir, const char* name, const DryRun* dry_run, Collected& out) {
  const auto stat = dir.try_stat(name);
  if (!stat || stat->is_folder()) {
    return;
  }
  unsigned own_links = 1;
  if (dry_run != nullptr) {
    const auto links = dry_run->links.find(stat->inode);
    own_links += links == dry_run->links.end() ? 0 : links->second;
  } else {
    try {
      dir.unlink_if_present(name);
    } catch (const os::Error&) {
      return; // immutable: it stays, and is found again
    }
  }
  ++out.objects;
  out.bytes += stat->links <= own_links ? stat->size : 0;
}

void remove_bases(const Root& root, const Bases& bases, Collected& out) {
  for (const auto& base : bases.unused) {
    ++out.bases;
    root.bases().unlink_if_present(base.id().hex().c_str());
  }
  if (out.bases != 0) {
    for (const auto& check : root.checks().entries()) {
      const std::string base = check.name.substr(0, check.name.find('.'));
      if (!root.bases().try_stat(base.c_str())) {
        root.checks().unlink_if_present(check.name.c_str());
      }
    }
  }
}

/// The objects of unused bases, of which no used one makes use.
void remove_their_objects(const Root& root, const Bases& bases, Collected& out) {
  for (const auto& base : bases.unused) {
    const std::string& source = base.meta().source;
    const Objects kept = objects_of(bases.used, source);
    const Store store(root, source);
    for (const auto& folder : base.folders()) {
      const auto bucket = store.open_bucket(base.text(folder.path));
      for (const auto& file : base.files_of(folder)) {
        if (bucket && file.object != os::Hash() && !kept.contains(file.object)) {
          remove_object(*bucket, Store::name_of(file.object).data(), nullptr, out);
        }
      }
    }
  }
}

/// What a killed freeze left: a living one would hold the store's lock.
void clear_half_frozen(const Root& root) {
  for (const auto* dir : {&root.sources(), &root.frozen()}) {
    for (const auto& entry : dir->entries()) {
      if (os::half_replaced(entry.name)) {
        dir->unlink_if_present(entry.name.c_str());
      }
    }
  }
}

/// What sources get for a `.git` of which no base is left.
void remove_prototypes(const Root& root, const Bases& bases) {
  std::set<std::string> used;
  for (const auto& base : bases.used) {
    used.insert(os::hash_of(base.meta().source).hex());
  }
  for (const auto& entry : root.git().entries()) {
    if (!used.contains(entry.name)) {
      os::remove_tree(root.git(), entry.name.c_str());
    }
  }
}

void sweep_objects(const Root& root, const Bases& bases, const DryRun* dry_run, Collected& out) {
  Objects kept;
  for (const auto& base : bases.used) {
    for (const auto& file : base.files()) {
      kept.insert(file.object);
    }
  }
  os::Progress progress("looking at the objects of the store", kept.size());
  for (const auto& source : root.objects().entries()) {
    const auto store = root.objects().try_open_child(source.name.c_str());
    if (!store) {
      continue;
    }
    for (const auto& bucket : store->entries()) {
      const auto dir = store->try_open_child(bucket.name.c_str());
      if (!dir) {
        continue;
      }
      for (const auto& object : dir->entries()) {
        progress.count();
        const auto id = os::Hash::from_hex(object.name);
        if (!id || !kept.contains(*id)) {
          remove_object(*dir, object.name.c_str(), dry_run, out);
        }
      }
    }
  }
}

} // namespace

Collected collect_unused_bases(const Root& root) {
  Collected out;
  if (const auto lock = root.try_lock_store()) {
    const Bases bases = sort_bases(root);
    remove_bases(root, bases, out);
    remove_their_objects(root, bases, out);
  }
  return out;
}

Collected collect_all(const Root& root, const std::optional<std::set<std::string>>& would_go) {
  Collected out;
  const auto lock = root.lock_store(os::LockMode::exclusive, "snapfix prune");
  if (would_go) {
    DryRun dry_run{*would_go, {}};
    const Bases bases = sort_bases(root, &dry_run);
    out.bases = bases.unused.size();
    sweep_objects(root, bases, &dry_run, out);
    return out;
  }
  const Bases bases = sort_bases(root);
  remove_bases(root, bases, out);
  for (const auto& name : bases.debris) {
    root.bases().unlink_if_present(name.c_str());
  }
  clear_half_frozen(root);
  remove_prototypes(root, bases);
  sweep_objects(root, bases, nullptr, out);
  return out;
}

} // namespace snapfix::snapshot
