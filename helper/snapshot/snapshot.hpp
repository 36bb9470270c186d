#pragma once

#include "os/lock.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/root.hpp"
#include "snapshot/run_record.hpp"

#include <optional>
#include <string>

namespace snapfix::snapshot {

/// A snapshot that stands in a root, which outlives this. Its manifest and its base are read once.
/// Who does not hold its name's lock may find that it was replaced or removed between two looks.
class Snapshot {
public:
  /// Nothing if there is none of that folder (a record without a tree is none), its record is
  /// damaged, or its tree is another user's.
  static std::optional<Snapshot> find(const Root& root, const std::string& folder);

  /// As find(); throws os::Error, which says what is there instead.
  static Snapshot require(const Root& root, const std::string& name);

  /// One whose records are at hand: the base, if it was read.
  Snapshot(const Root& root, std::string folder, SnapshotManifest manifest,
           std::optional<Base> base = std::nullopt);

  const Root& root() const noexcept { return *m_root; }
  const std::string& folder() const noexcept { return m_folder; }
  std::string path() const { return m_root->path() + "/" + m_folder; }
  const std::string& name() const noexcept { return m_manifest.meta.name; }
  const SnapshotManifest& manifest() const noexcept { return m_manifest; }
  const SnapshotMeta& meta() const noexcept { return m_manifest.meta; }

  /// What it was made of; nothing if that is lost. Not for two threads at once.
  const Base* find_base() const;

  /// The same. Throws os::Error if it is lost.
  const Base& base() const;

  /// Throws os::Error if an update of it did not come to its end.
  void require_whole() const;

  /// Whether no other snapshot, and not none, stands there now.
  bool still_stands() const { return look(*m_root, m_folder) == m_identity; }

  /// Throws os::Error if another snapshot, or none, stands there now.
  void require_standing() const;

private:
  /// What no other snapshot under that name has in common.
  struct Identity {
    std::uint64_t tree = 0;   ///< its inode
    std::uint64_t record = 0; ///< its inode
    os::Time recorded;

    bool operator==(const Identity&) const = default;
  };
  static std::optional<Identity> look(const Root& root, const std::string& folder);

  const Root* m_root;
  std::string m_folder;
  std::optional<Identity> m_identity;
  SnapshotManifest m_manifest;
  mutable std::optional<Base> m_base;
  mutable bool m_has_read_base = false;
};

/// A name of a root, which outlives this, whose lock we hold: nobody else makes, changes or removes
/// the snapshot of that name, or works in it by `snapfix run`.
class Held {
public:
  /// Waits for the lock. Throws os::Error.
  Held(const Root& root, std::string name, const std::string& purpose,
       os::Patience patience = std::nullopt);

  /// The name if it can be had now: alone, or with the others of a group.
  static std::optional<Held> try_hold(const Root& root, const std::string& name,
                                      const std::string& purpose, os::LockMode mode);

  /// As os::Lock::change().
  bool change(os::LockMode mode) const { return m_lock.change(mode); }
  /// From here on this must not be used any more.
  void let_go() { const auto gone = std::move(m_lock); }

  /// The name of a snapshot that stands; nothing if somebody else holds it, or it is gone.
  static std::optional<Held> try_hold(const Root& root, const std::string& folder);

  const Root& root() const noexcept { return *m_root; }
  const std::string& name() const noexcept { return m_name; }
  const std::string& folder() const noexcept { return m_folder; }
  std::string path() const { return m_root->path() + "/" + m_folder; }

  /// The snapshot of that name, looked for once; nothing as Snapshot::find().
  const Snapshot* snapshot() const;

  /// The same. Throws os::Error, which says what is there instead.
  const Snapshot& require() const;

  /// The record of the last run in it before we got the lock; read once.
  const std::optional<RunRecord>& last_run() const;

  /// What stands there now, or no longer does, by our own doing.
  void put(std::optional<Snapshot> snapshot);

  /// After a command that may have removed or replaced the tree.
  void look_again();

  /// Removes the file of the lock, when nothing has that name.
  void remove_lock_file() const { m_root->remove_lock_file(m_folder, m_lock); }

private:
  Held(const Root& root, std::string name, std::string folder, os::Lock lock);

  const Root* m_root;
  std::string m_name;
  std::string m_folder;
  os::Lock m_lock;
  mutable std::optional<Snapshot> m_snapshot;
  mutable bool m_has_looked = false;
  mutable std::optional<RunRecord> m_last_run;
  mutable bool m_has_read_run = false;
};

/// The name of a snapshot that is like `name`, which is none: for messages that ask what was meant.
std::optional<std::string> name_like(const Root& root, const std::string& name);

/// Whether there is a record of that name at all, be it damaged (a power cut may do that).
bool has_record(const Root& root, const std::string& folder);

/// Whether a tree and its record stand under that name, but the record is damaged.
bool is_damaged(const Root& root, const std::string& folder);

} // namespace snapfix::snapshot
