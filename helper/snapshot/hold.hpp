#pragma once

#include "snapshot/root.hpp"
#include "snapshot/snapshot.hpp"

#include <optional>
#include <string>
#include <vector>

namespace snapfix::snapshot {

// A hold keeps a snapshot from being removed, made pristine, updated or handed on while a job waits
// in a queue, or until a time. It is over by itself. Who has the name's lock writes it, and nobody
// else takes one away that is over: so no hold is missed between a look and what follows from it.
// Who sees one that is over takes it away if the lock is free: Slurm may not answer the next time.

/// Of a job of Slurm, or until a time.
struct HoldRecord {
  std::string slurm;   ///< the job's id; empty: until a time
  std::string cluster; ///< whose Slurm gave the id; empty: not known, or the id tells
  std::string until;   ///< as os::to_iso8601 has it
  std::string host;    ///< where it was asked for
  std::string since;
};

/// The holds of a snapshot that are not over. Slurm is asked; where it cannot be, they stand.
std::vector<HoldRecord> holds_of(const Root& root, const std::string& folder);

/// `Slurm job 42` or `a hold until 2026-01-31T12:00:00Z`.
std::string to_text(const HoldRecord& hold);

/// Adds a hold, in place of one of the same job, or until another time. Throws os::Error if there
/// is no such snapshot.
void hold(Held& held, const HoldRecord& hold);

/// Ends the hold of a job, or without one all; those that there were. Needs no lock, so not to be
/// called for a hold that its owner still counts on.
std::vector<HoldRecord> release(const Root& root, const std::string& folder,
                                const std::optional<std::string>& slurm);

/// By whom the snapshot is held; empty if by nobody, or only by the Slurm job that we are in.
std::string holders(const Held& held);

/// Throws os::Error if somebody holds the snapshot, but for the Slurm job that we are in.
void require_not_held(const Held& held);

} // namespace snapfix::snapshot
