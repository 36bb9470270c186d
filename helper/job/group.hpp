#pragma once

#include "os/error.hpp"
#include "os/lock.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/snapshot.hpp"

#include <exception>
#include <functional>
#include <optional>
#include <string>

namespace snapfix::job {

// The tasks of a group work in one snapshot, whose name's lock they share. The first one makes it,
// the last one finishes it; both are known by having the lock alone for a moment. That is decided
// under a lock of the group: who holds it does not wait for the name, and who shares the name, and
// does not hold it, may wait for it.

struct Group {
  std::string id;     ///< of what started its tasks; empty: whoever is there
  unsigned tasks = 0; ///< how many there are; 0: not known
};

/// The step of Slurm that this process is a task of; else one without id.
Group group_here();

/// A run that has come to its snapshot.
struct Entry {
  snapshot::Held held;
  std::optional<os::Lock> deciding; ///< the lock of the group
  bool is_first = true;             ///< it makes the snapshot; else that stands
};

/// How long a task waits for others.
struct Waiting {
  /// For who has the snapshot, and for tasks that have not begun; nothing: until it is free, and
  /// two minutes.
  os::Patience patience;
  std::function<bool()> is_wanted = {}; ///< in vain where not; empty: always
};

/// Without a group, the name is held alone. Throws os::Error.
Entry enter(const snapshot::Root& root, const std::string& name, const std::optional<Group>& group,
            const Waiting& waiting);

/// Writes the record of a task that is about to begin, and lets others of its group in.
void announce(Entry& entry, snapshot::RunRecord& task, const Group& group);

/// Puts what a task did into the record of its group.
void add_to(snapshot::RunRecord& common, const snapshot::RunRecord& task);

/// Takes leave of the group, whose record gets what `task` did, if it has begun. Whether this was
/// the last one: then it has the name and the group's lock alone, and `task` is the record of all.
/// It waits for tasks that have not begun yet, for some time.
bool leave(Entry& entry, snapshot::RunRecord& task, bool has_begun, const Waiting& waiting);

/// Why the group as it ended is a failure: tasks did not begin, or left no end; null: none did.
std::optional<os::Error> missing_tasks(const snapshot::RunGroup& group);

/// Ends the group, of which nobody is left.
void end_group(const Entry& entry);

} // namespace snapfix::job
