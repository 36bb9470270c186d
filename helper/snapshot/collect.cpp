#include "snapshot/collect.hpp"

#include "os/error.hpp"
#include "snapshot/frozen.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/store.hpp"

#include <set>
#include <unordered_set>

namespace snapfix::snapshot {
namespace {

using Ids = std::set<os::Hash>;

struct ObjectHash {
  std::size_t operator()(const os::Hash& object) const noexcept { return object.low; }
};
using Objects = std::unordered_set<os::Hash, ObjectHash>; // as many as there are files

Ids bases_in_use(const Root& root) {
  Ids out;
  for (const auto& folder : root.snapshot_folders()) {
    if (const auto manifest = SnapshotManifest::load(root.snapshots(), folder)) {
      out.insert(manifest->base);
    }
  }
  for (const auto& entry : root.sources().entries()) {
    const auto key = os::Hash::from_hex(entry.name);
    if (const auto record = key ? FreezeRecord::load(root.sources(), *key) : std::nullopt) {
      out.insert(record->base());
    }
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

Bases sort_bases(const Root& root) {
  const Ids in_use = bases_in_use(root);
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

void remove_object(const os::Dir& dir, const char* name, bool dry_run, Collected& out) {
  const auto stat = dir.try_stat(name);
  if (!stat || stat->is_folder()) {
    return;
  }
  if (!dry_run) {
    try {
      dir.unlink_if_present(name);
    } catch (const os::Error&) {
      return; // immutable: it stays, and is found again
    }
  }
  ++out.objects;
  out.bytes += stat->size;
}

void remove_bases(const Root& root, const Bases& bases, bool dry_run, Collected& out) {
  for (const auto& base : bases.unused) {
    ++out.bases;
    if (!dry_run) {
      root.bases().unlink_if_present(base.id().hex().c_str());
    }
  }
  if (!dry_run && out.bases != 0) {
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
      for (const auto& file : base.files_of(folder)) {
        if (file.object != os::Hash() && !kept.contains(file.object)) {
          const ObjectPath path = Store::path_of(base.text(folder.path), file.object);
          remove_object(store.dir(), path.data(), false, out);
        }
      }
    }
  }
}

void sweep_objects(const Root& root, const Bases& bases, bool dry_run, Collected& out) {
  Objects kept;
  for (const auto& base : bases.used) {
    for (const auto& file : base.files()) {
      kept.insert(file.object);
    }
  }
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
    remove_bases(root, bases, false, out);
    remove_their_objects(root, bases, out);
  }
  return out;
}

Collected collect_all(const Root& root, bool dry_run) {
  Collected out;
  const auto lock = root.lock_store(os::LockMode::exclusive, "snapfix prune");
  const Bases bases = sort_bases(root);
  remove_bases(root, bases, dry_run, out);
  if (!dry_run) {
    for (const auto& name : bases.debris) {
      root.bases().unlink_if_present(name.c_str());
    }
  }
  sweep_objects(root, bases, dry_run, out);
  return out;
}

} // namespace snapfix::snapshot
