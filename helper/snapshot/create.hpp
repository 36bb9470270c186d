#pragma once

#include "snapshot/choose_base.hpp"
#include "snapshot/ledger.hpp"
#include "snapshot/options.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/snapshot.hpp"
#include "source/list.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// What becomes of a snapshot that exists.
enum class Existing : std::uint8_t {
  reuse,     ///< one of the same state stays as it is; of another, it is an error
  reuse_any, ///< it stays as it is, whatever its state
  update,    ///< the base's files are put into it, what else its jobs have made stays
  refresh    ///< it is brought to the pristine state
};

struct CreateOptions {
  source::Selection selection;
  TreeOptions tree;
  BaseChoice base;
  Existing existing = Existing::reuse;
  /// Recorded before a snapshot that is made stands: the run that is to finish it, however it ends.
  const RunRecord* run = nullptr;
};

struct Created {
  std::string path;
  os::Hash base;
  bool made = false;      ///< there was none before
  bool refreshed = false; ///< there was one, and it is pristine now
  Ledger ledger;
  std::optional<Frozen> frozen; ///< nothing if the base stood
  std::vector<std::string> notes;
};

ChosenBase choose_base(const Root& root, const CreateOptions& options);

/// The snapshot that stands already and is to stay as it is, by Existing::reuse or reuse_any;
/// nothing if there is none of that name. Needs no lock and touches nothing: a job may be at work
/// in it. Throws os::Error if it is of another state.
std::optional<Created> reuse(const Root& root, const std::string& name,
                             const CreateOptions& options);

/// Whether the snapshot, if nothing was run in it, is what would be made of that base with those
/// options.
bool is_as_made(const Snapshot& snapshot, const Base& base, const TreeOptions& options);

/// Makes the snapshot, whole or not at all: built out of sight, its manifest first, published by
/// one rename. Only an update works on the tree where it stands, since no failure may cost what
/// jobs have made: until it is done, the manifest says so. Nothing where objects of the base were
/// damaged, and the source is of another state by now: a base is to be chosen anew. Throws
/// os::Error.
std::optional<Created> create(Held& held, const CreateOptions& options, ChosenBase chosen);

} // namespace snapfix::snapshot
