#pragma once

#include "job/pack_file.hpp"
#include "job/run.hpp"
#include "os/lock.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace snapfix::job {

struct ReproOptions {
  std::string clone;  ///< its path, absolute and without symlinks: its objects are read
  std::string root;   ///< its path
  std::string name;   ///< of the snapshot; empty: the recorded one
  bool fresh = false; ///< one that stands is made anew
  os::Patience patience;
};

struct Reproduced {
  std::string name;
  std::string path;
  std::string source; ///< the folder of the clone that the snapshot is one of
};

/// Makes the snapshot that a pack tells of: the commit's files from the clone's objects, the others
/// from the pack, each checked by its id. Its record is that of the packed run, for rerun and
/// enter. Nothing of the clone is changed, and no program runs but git, which reads objects. Throws
/// os::Error, which says what is missing, and how to get it.
Reproduced reproduce(PackFile& pack, const ReproOptions& options);

/// What makes run() repeat the pack's command in that snapshot. Its writes to the clone are denied,
/// whatever was recorded. Throws os::Error where it cannot be run here.
RunOptions recorded_run(const PackRecord& record, const Reproduced& made,
                        const ReproOptions& options);

/// What is missing for that, in words: a program. Nothing if it can be run.
std::optional<os::Error> why_not_runnable(const PackRecord& record, const Reproduced& made);

} // namespace snapfix::job
