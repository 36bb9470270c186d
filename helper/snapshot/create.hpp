#pragma once

#include "snapshot/freeze.hpp"
#include "snapshot/root.hpp"
#include "snapshot/tree.hpp"
#include "source/list.hpp"

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// Which base a snapshot is made of.
struct BaseChoice {
  std::string id;      ///< this one (or a unique beginning of it), if not empty
  bool frozen = false; ///< the one that our parent's ctest run froze, if it did
};

/// What becomes of a snapshot that exists.
enum class Existing {
  reuse,     ///< one of the same state stays as it is; of another, it is an error
  reuse_any, ///< it stays as it is, whatever its state
  update,    ///< the base's files are put into it, what else its jobs have made stays
  refresh    ///< it is brought to the pristine state
};

/// Thrown where a base is to be checked before a snapshot is made of it: no lock is held then, but
/// the name's by the caller.
struct Unchecked : std::runtime_error {
  explicit Unchecked(const os::Hash& unchecked)
      : runtime_error("a base was not checked"), base(unchecked) {}

  os::Hash base;
};

struct CreateOptions {
  std::string name;
  source::Selection selection;
  TreeOptions tree;
  BaseChoice base;
  Existing existing = Existing::reuse;
  /// Whether a snapshot may be made of that base; if not, create() throws Unchecked.
  std::function<bool(const Base&)> is_checked;
};

struct Created {
  std::string path;
  os::Hash base;
  bool made = false;      ///< there was none before
  bool refreshed = false; ///< there was one, and it is pristine now
  Ledger ledger;
  std::optional<Frozen> frozen; ///< nothing if a base was given
  std::vector<std::string> notes;
};

/// The snapshot that stands already and is to stay as it is, by Existing::reuse or reuse_any;
/// nothing if there is none of that name. Needs no lock and touches nothing: a job may be at work
/// in it. Throws os::Error if it is of another state.
std::optional<Created> reuse(const Root& root, const CreateOptions& options);

/// Whether the snapshot stands, unused, of the state and with the options that are wanted. The
/// caller holds the name's lock.
bool is_pristine(const Root& root, const CreateOptions& options);

/// Whether the options are those that a snapshot was made with.
bool has_same_options(const SnapshotManifest& manifest, const TreeOptions& options);

/// Replaces options by those that a snapshot was made with.
void keep_options(const SnapshotManifest& manifest, TreeOptions& options);

/// Makes the snapshot, whole or not at all: built out of sight, its manifest first, published by
/// one rename. Only an update works on the tree where it stands, since no failure may cost what
/// jobs have made: until it is done, the manifest says so. The caller holds the name's lock. Throws
/// os::Error, Unchecked.
Created create(const Root& root, const CreateOptions& options);

} // namespace snapfix::snapshot
