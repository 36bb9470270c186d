#include "snapshot/snapshot.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/likest.hpp"
#include "snapshot/name.hpp"

#include <utility>

namespace snapfix::snapshot {

Snapshot::Snapshot(const Root& root, std::string folder, SnapshotManifest manifest,
                   std::optional<Base> base)
    : m_root(&root), m_folder(std::move(folder)), m_identity(look(root, m_folder)),
      m_manifest(std::move(manifest)), m_base(std::move(base)),
      m_has_read_base(m_base.has_value()) {}

std::optional<Snapshot> Snapshot::find(const Root& root, const std::string& folder) {
  const auto identity = look(root, folder); // before the record is read
  const auto stat = root.top().try_stat(folder.c_str());
  auto manifest = stat && stat->is_folder() && !root.is_foreign(*stat)
                      ? SnapshotManifest::load(root.snapshots(), folder)
                      : std::nullopt;
  if (!manifest) {
    return std::nullopt;
  }
  Snapshot out(root, folder, std::move(*manifest));
  out.m_identity = identity;
  return out;
}

Snapshot Snapshot::require(const Root& root, const std::string& name) {
  const std::string folder = folder_of_name(name);
  if (auto found = find(root, folder)) {
    return std::move(*found);
  }
  const auto stat = root.stat_of_tree(folder);
  const auto all = os::format("'snapfix list --root {}' shows what there is", root.path());
  if (!stat) {
    const auto like = name_like(root, name);
    throw os::Error(os::format("there is no snapshot {} in {}", os::quoted(name), root.path()),
                    like ? os::format("did you mean {}?", os::quoted(*like)) : all);
  }
  if (auto found = find(root, folder)) {
    return std::move(*found); // it has come back from its refresh
  }
  const std::string path = root.path() + "/" + folder;
  if (!has_record(root, folder)) {
    throw os::Error(os::format("{} is no snapshot: nothing of it is touched", os::quoted(path)),
                    all);
  }
  throw os::Error(
      stat->is_folder()
          ? os::format("the manifest of the snapshot {} is damaged", os::quoted(name))
          : os::format("{} is no folder any more, which the snapshot was", os::quoted(path)),
      os::format("make it anew: snapfix create {0} --fresh\ndrop it: snapfix remove {0}", name));
}

const Base* Snapshot::find_base() const {
  if (!std::exchange(m_has_read_base, true)) {
    m_base = Base::load(m_root->bases(), m_manifest.base);
    if (m_base && (m_base->files().size() != m_manifest.made.size() ||
                   m_base->files().size() != m_manifest.inodes.size())) {
      m_base.reset();
    }
  }
  return m_base ? &*m_base : nullptr;
}

const Base& Snapshot::base() const {
  const Base* out = find_base();
  if (out == nullptr) {
    throw os::Error(
        os::format("the base {} of the snapshot is lost or damaged", m_manifest.base.hex()),
        "remove the snapshot and make it again");
  }
  return *out;
}

void Snapshot::require_whole() const {
  if (meta().update == Update::unfinished) {
    throw os::Error(
        os::format("an update of the snapshot {} was cut short: a part of its files is "
                   "of another state",
                   os::quoted(name())),
        os::format(
            "end it: snapfix create {0} --update\n"
            "make it pristine, which removes what jobs have made: snapfix create {0} --fresh",
            name()));
  }
}

std::optional<Snapshot::Identity> Snapshot::look(const Root& root, const std::string& folder) {
  const auto record = root.snapshots().try_stat(folder.c_str());
  const auto tree = root.top().try_stat(folder.c_str());
  return record && tree && tree->is_folder()
             ? std::optional(Identity{tree->inode, record->inode, record->ctime})
             : std::nullopt;
}

void Snapshot::require_standing() const {
  if (!still_stands()) {
    throw os::Error(
        os::format("the snapshot in {} is just being replaced or removed", os::quoted(path())),
        "try again");
  }
}

Held::Held(const Root& root, std::string name, std::string folder, os::Lock lock)
    : m_root(&root), m_name(std::move(name)), m_folder(std::move(folder)), m_lock(std::move(lock)) {
}

Held::Held(const Root& root, std::string name, const std::string& purpose, os::Patience patience)
    : m_root(&root), m_name(std::move(name)), m_folder(folder_of_name(m_name)),
      m_lock(root.lock_name(m_folder, os::format("{} {}", purpose, m_name), patience)) {}

std::optional<Held> Held::try_hold(const Root& root, const std::string& folder) {
  auto lock = root.try_lock_name(folder);
  auto snapshot = lock ? Snapshot::find(root, folder) : std::nullopt;
  if (!snapshot) {
    return std::nullopt;
  }
  Held out(root, snapshot->name(), folder, std::move(*lock));
  out.put(std::move(snapshot));
  return out;
}

std::optional<Held> Held::try_hold(const Root& root, const std::string& name,
                                   const std::string& purpose, os::LockMode mode) {
  auto folder = folder_of_name(name);
  auto lock = root.try_lock_name(folder, os::format("{} {}", purpose, name), mode);
  return lock ? std::optional(Held(root, name, std::move(folder), std::move(*lock))) : std::nullopt;
}

const Snapshot* Held::snapshot() const {
  if (!std::exchange(m_has_looked, true)) {
    m_snapshot = Snapshot::find(*m_root, m_folder);
  }
  return m_snapshot ? &*m_snapshot : nullptr;
}

const Snapshot& Held::require() const {
  if (snapshot() == nullptr) {
    m_snapshot = Snapshot::require(*m_root, m_name);
  }
  return *m_snapshot;
}

const std::optional<RunRecord>& Held::last_run() const {
  if (!m_has_read_run) {
    m_last_run = load_run(*m_root, m_folder);
    m_has_read_run = true;
  }
  return m_last_run;
}

void Held::put(std::optional<Snapshot> snapshot) {
  m_snapshot = std::move(snapshot);
  m_has_looked = true;
}

void Held::look_again() {
  m_has_looked = m_snapshot && m_snapshot->still_stands();
}

std::optional<std::string> name_like(const Root& root, const std::string& name) {
  // `r2` is the next one after `r1`, hardly `r1` misspelt.
  const auto without_digits = [](std::string text) {
    std::erase_if(text, [](char c) { return c >= '0' && c <= '9'; });
    return text;
  };
  std::vector<std::string> names;
  for (const auto& folder : root.snapshot_folders()) {
    const auto other = Snapshot::find(root, folder);
    if (other && folder == name) { // which people see in the root
      return other->name();
    }
    if (other && without_digits(other->name()) != without_digits(name)) {
      names.push_back(other->name());
    }
  }
  return os::likest(name, names);
}

bool has_record(const Root& root, const std::string& folder) {
  return root.snapshots().try_stat(folder.c_str()).has_value();
}

bool is_damaged(const Root& root, const std::string& folder) {
  // Looked at in this order: a tree appears after its record, and goes before it.
  return root.top().try_stat(folder.c_str()) && has_record(root, folder) &&
         !Snapshot::find(root, folder) && root.top().try_stat(folder.c_str());
}

} // namespace snapfix::snapshot
