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

/// Whether there is a record of that name at all, be it damaged (a power cut may do that).
bool has_record(const Root& root, const std::string& folder);

/// Whether a tree and its record stand under that name, but the record is damaged.
bool is_damaged(const Root& root, const std::string& folder);

/// Tells the snapshot that stands under a name from those before and after it.
struct Identity {
  std::uint64_t tree = 0;   ///< its inode
  std::uint64_t record = 0; ///< its inode
  os::Time recorded;

  bool operator==(const Identity&) const = default;
};

/// Nothing if there is no tree or no record under that name.
std::optional<Identity> identity_of(const Root& root, const std::string& folder);

/// The base of a snapshot's manifest. Throws os::Error if it is lost.
Base base_of(const Root& root, const SnapshotManifest& manifest);

} // namespace snapfix::snapshot
