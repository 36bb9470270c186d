#pragma once

#include "snapshot/manifest.hpp"
#include "snapshot/root.hpp"

#include <optional>
#include <string>

namespace snapfix::snapshot {

/// The snapshot's own record: nothing if there is no such snapshot (a record without a tree is
/// none), its record is damaged, or its tree is another user's.
std::optional<SnapshotManifest> find_snapshot(const Root& root, const std::string& folder);

/// As find_snapshot; throws os::Error, which says what is there instead.
SnapshotManifest require_snapshot(const Root& root, const std::string& name);

/// The name of a snapshot that is like `name`, which is none: for messages that ask what was meant.
std::optional<std::string> name_like(const Root& root, const std::string& name);

/// Throws os::Error if an update of the snapshot did not come to its end.
void require_whole(const SnapshotManifest& manifest);

/// Whether there is a record of that name at all, be it damaged (a power cut may do that).
bool has_record(const Root& root, const std::string& folder);

/// Whether a tree and its record stand under that name, but the record is damaged.
bool is_damaged(const Root& root, const std::string& folder);

/// For who looks at a snapshot without its lock: others may replace it between two looks, and then
/// one's tree is compared with another's record. Made before the first look.
class Standing {
public:
  Standing(const Root& root, const std::string& folder);

  /// Whether no other snapshot, and not none, stands there now.
  bool is_same() const { return look() == m_identity; }

  /// Throws os::Error if another snapshot, or none, stands there now.
  void require_same() const;

private:
  /// What no other snapshot under that name has in common.
  struct Identity {
    std::uint64_t tree = 0;   ///< its inode
    std::uint64_t record = 0; ///< its inode
    os::Time recorded;

    bool operator==(const Identity&) const = default;
  };

  std::optional<Identity> look() const;

  const Root& m_root;
  std::string m_folder;
  std::optional<Identity> m_identity;
};

/// The base of a snapshot's manifest; nothing if it is lost.
std::optional<Base> find_base_of(const Root& root, const SnapshotManifest& manifest);

/// The same. Throws os::Error if it is lost.
Base base_of(const Root& root, const SnapshotManifest& manifest);

/// The base whose id is that, or begins so. Throws os::Error unless there is just one.
Base base_with(const Root& root, const std::string& beginning);

} // namespace snapfix::snapshot
