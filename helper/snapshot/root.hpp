#pragma once

#include "os/dir.hpp"
#include "os/file.hpp"
#include "os/lock.hpp"
#include "snapshot/manifest.hpp"

#include <optional>
#include <set>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// The file of a root that keeps git away from it.
constexpr const char* k_ignore = ".gitignore";

/// The folder that holds snapshots, and under `.snapfix/` all that belongs to them:
///
///     objects/<source>/<xx>/<object>   the store
///     bases/<id>                       manifests of bases
///     sources/<key>                    the last freeze of a (source, files, include)
///     snapshots/<folder>               manifests of snapshots
///     runs/<folder>                    what the last run of a snapshot recorded
///     holds/<folder>:<id>              who keeps a snapshot from being changed or removed
///     git/<source>/                    what its snapshots get for a `.git`
///     frozen/                          which base a ctest run goes by
///     checks/<base>.<key>              what a check said of a base
///     spares/                          trees that wait for their next job
///     tickets/  bin/                   of jobs that launchers start (once there was one)
///     history/<folder>                 what the last runs of a name came to
///     locks/  work/  trash/
///
/// What lies in `.snapfix` is ours alone: it is made with mode 0700. Other users may be able to
/// write to the root itself: what stands in the place of a snapshot is then acted on only if it is
/// ours.
class Root {
public:
  /// Makes the root where there is none. Throws os::Error, also if it or one of its inner folders
  /// is another user's, or others may write to one of those.
  static Root open_or_make(const std::string& path);

  /// The same, but throws os::Error if there is no root at `path`.
  static Root open(const std::string& path);

  /// Whether there is a root at `path`. Throws os::Error where that cannot be seen.
  static bool exists(const std::string& path);

  /// The root in that folder; nothing if there is none. Makes nothing in it: throws os::Error where
  /// an inner folder is missing (ENOENT).
  static std::optional<Root> try_open(os::Dir top);

  const std::string& path() const noexcept { return m_path; }
  const os::Dir& top() const noexcept { return m_top; }
  const os::Dir& objects() const noexcept { return m_objects; }
  const os::Dir& bases() const noexcept { return m_bases; }
  const os::Dir& sources() const noexcept { return m_sources; }
  const os::Dir& git() const noexcept { return m_git; }
  const os::Dir& snapshots() const noexcept { return m_snapshots; }
  const os::Dir& runs() const noexcept { return m_runs; }
  const os::Dir& holds() const noexcept { return m_holds; }
  const os::Dir& frozen() const noexcept { return m_frozen; }
  const os::Dir& checks() const noexcept { return m_checks; }
  const os::Dir& locks() const noexcept { return m_locks; }
  const os::Dir& work() const noexcept { return m_work; }
  const os::Dir& spares() const noexcept { return m_spares; }
  const os::Dir& trash() const noexcept { return m_trash; }

  /// A folder that not every root has. Throws os::Error.
  std::optional<os::Dir> find_inner(const char* name) const { return m_inner.try_open_child(name); }
  os::Dir make_inner(const char* name) const;

  // The locks, in the order in which they may be taken: name, store, source, trash.

  /// The snapshot of that folder: held while it is made, run, removed.
  os::Lock lock_name(const std::string& folder, const std::string& purpose,
                     os::Patience patience = std::nullopt) const;
  std::optional<os::Lock> try_lock_name(const std::string& folder,
                                        const std::string& purpose = "snapfix, clearing up",
                                        os::LockMode mode = os::LockMode::exclusive) const;
  bool is_name_locked(const std::string& folder) const;

  /// The store: shared by those who add or link objects, exclusive for those who replace or remove.
  os::Lock lock_store(os::LockMode mode, const std::string& purpose) const;
  std::optional<os::Lock> try_lock_store() const;

  /// One source: held while it is frozen.
  os::Lock lock_source(const os::Hash& source) const;

  /// The trash: shared by those who put a tree there to remove it or, maybe, to take it back;
  /// exclusive for who clears up. Two that remove one tree do each other no harm, but are in each
  /// other's way.
  os::Lock lock_trash() const; ///< shared
  std::optional<os::Lock> try_lock_trash(os::LockMode mode) const;

  /// What stands in the place of a snapshot, whatever it is; nothing if the name is free. Throws
  /// os::Error if another user may have put it there.
  std::optional<os::Stat> stat_of_tree(const std::string& folder) const;

  /// Whether that is something that another user may have put there.
  bool is_foreign(const os::Stat& tree) const noexcept;

  /// The folders of all snapshots that have a manifest, in byte order.
  std::vector<std::string> snapshot_folders() const;

  /// The folders of which there is a manifest or a lock.
  std::set<std::string> recorded_folders() const;

  /// Removes the file of a name's lock, which the caller holds, when nothing has that name.
  void remove_lock_file(const std::string& folder, const os::Lock& held) const;

  /// Moves the snapshot's tree into the trash, so that the name is free at once. Returns its name
  /// there; nothing if there is no tree. Throws os::Error.
  std::optional<std::string> discard_tree(const std::string& folder) const;

  /// Takes back what discard_tree() returned.
  void restore_tree(const std::string& folder, const std::string& discarded) const;

  /// Moves the snapshot's tree out of sight, to be worked on, and back: a tree stands in the root
  /// whole or not at all.
  void take_tree(const std::string& folder) const;
  void publish_tree(const std::string& folder) const;

  /// The same with the spares; one that is discarded is in the trash then, under the name that is
  /// returned.
  void take_spare(const std::string& spare, const std::string& folder) const;
  void put_spare(const std::string& folder, const std::string& spare) const;
  std::string discard_spare(const std::string& spare) const;

  /// Moves a tree that is being worked on into the trash.
  void discard_work(const std::string& folder) const;

  /// Removes the manifest and the records of a snapshot.
  void forget(const std::string& folder) const;

  /// Empties the trash, unless others are about it, and removes unfinished work whose owner is
  /// gone. Returns what could not be removed, with the reason: nothing is thrown for that.
  std::vector<std::string> clear_debris() const;

private:
  enum class Missing { make, fail };
  Root(os::Dir top, Missing missing);

  std::string m_path;
  os::Dir m_top;
  std::uint32_t m_owner;
  bool m_others_write; ///< to the root itself
  os::Dir m_inner;
  os::Dir m_objects;
  os::Dir m_bases;
  os::Dir m_sources;
  os::Dir m_git;
  os::Dir m_snapshots;
  os::Dir m_runs;
  os::Dir m_holds;
  os::Dir m_frozen;
  os::Dir m_checks;
  os::Dir m_locks;
  os::Dir m_work;
  os::Dir m_spares;
  os::Dir m_trash;
};

} // namespace snapfix::snapshot
