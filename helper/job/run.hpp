#pragma once

#include "guard/command.hpp"
#include "guard/protection.hpp"
#include "job/finish.hpp"
#include "job/group.hpp"
#include "job/guarded_run.hpp"
#include "job/lock_check.hpp"
#include "os/environment.hpp"
#include "os/lock.hpp"
#include "snapshot/create.hpp"
#include "snapshot/ledger.hpp"
#include "snapshot/run_record.hpp"

#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::job {

/// What the job of a launcher knows of the run that submitted it.
struct FromTicket {
  std::string name;                          ///< of the ticket
  std::vector<std::string> variables;        ///< that are set, whatever the launcher carries
  std::optional<snapshot::RunParent> parent; ///< of the submitter
  std::string ctest;                         ///< as RunRecord::ctest, of the submitter
  double asked = 0;                          ///< when it did; seconds since 1970
  std::string outer_group;                   ///< the one that the submitter is in itself, by its id
  std::function<bool()> is_wanted;           ///< whether the submitter still waits
};

/// A command in its snapshot.
struct RunOptions {
  std::string name;
  snapshot::CreateOptions create; ///< how the snapshot is made where it is missing
  bool fresh = false;             ///< also where it was used, or is of another state
  /// What of `create` the user has named, and so does not leave to a snapshot that stands.
  bool names_source = false;
  bool names_tree = false;
  bool names_locks = false;

  std::vector<std::string> command;
  std::vector<std::string> verbatim;          ///< words of it in which nothing is replaced
  std::vector<std::string> wrapper;           ///< goes before it
  std::optional<os::Environment> environment; ///< in place of this process's
  std::string folder;                         ///< of the snapshot, where it runs; empty for the top
  bool map_source = false;     ///< its paths under the source become those in the snapshot
  std::string source_as_given; ///< another spelling of the source's path

  Guard guard = Guard::automatic;
  guard::SourceWrites source_writes = guard::SourceWrites::deny;
  std::optional<snapshot::FinishOptions> finish; ///< nothing: somebody else finishes it
  std::vector<std::string> pack_environment;     ///< variables whose values go into a pack of it
  LockOptions locks;
  os::Patience patience;
  std::optional<FromTicket> from_ticket;
  std::optional<Group> group; ///< others work in the snapshot as well
  bool under_ctest = false;   ///< its regular expressions match what is said: as little as can be
};

struct RunResult {
  guard::CommandEnd end;
  snapshot::RunRecord record;
  snapshot::Ledger ledger; ///< of the snapshot, if it was made
  std::optional<Finishing> finishing;
  double run_seconds = 0;
  double finish_seconds = 0;
  bool has_finding = false;        ///< the command changed what it must not: told already
  std::exception_ptr failure;      ///< why no command was run in a snapshot that is finished now
  std::optional<int> told_failure; ///< the exit code of a job that failed, and has said why
};

/// Makes the snapshot if need be, runs the command in it, guarded, records the run and finishes it,
/// all under the lock of its name. Throws guard::CannotStart, os::Error, unless it is in `failure`.
RunResult run(const RunOptions& options);

} // namespace snapfix::job
