#include "snapshot/take_over.hpp"

#include "os/dir.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/roots_beside.hpp"

#include <cerrno>
#include <optional>
#include <utility>

namespace snapfix::snapshot {
namespace {

/// The root beside ours that has a record of that name, the newest.
std::optional<Root> newest_beside(const Root& root, const std::string& name) {
  std::optional<Root> out;
  os::Time newest;
  visit_roots_beside(root, [&](Root&& other) {
    const auto record = other.sources().try_stat(name.c_str());
    if (record && (!out || newest < record->mtime)) {
      newest = record->mtime;
      out = std::move(other);
    }
  });
  return out;
}

} // namespace

void take_over_freeze(const Root& root, const std::string& source, Store& store,
                      const os::Hash& key) {
  const std::string name = key.hex();
  const auto other = newest_beside(root, name);
  const auto record = other ? FreezeRecord::load(other->sources(), key) : std::nullopt;
  const auto objects =
      record ? other->objects().try_open_child(os::hash_of(source).hex().c_str()) : std::nullopt;
  if (!objects || !store.is_own(objects->stat())) {
    return;
  }
  // Linked first, then read: the other root may lose it at any moment.
  const std::string id = record->base().hex();
  const int failed = os::link_file(other->bases(), id.c_str(), root.bases(), id.c_str(), 0);
  const bool is_there = failed == 0 || failed == EEXIST;
  const auto base = is_there ? Base::load(root.bases(), record->base()) : std::nullopt;
  if (!base) {
    return;
  }
  const auto lost = store.take_over(*objects, *base);
  if (!lost.empty()) {
    rewrite_inodes(root.bases(), *base, lost);
  }
  // By now it may be that of a newer base, which is not here: then all is read.
  os::link_file(other->sources(), name.c_str(), root.sources(), name.c_str(), 0);
}

} // namespace snapfix::snapshot
