#pragma once

#include "guard/command.hpp"
#include "guard/protection.hpp"
#include "os/dir.hpp"
#include "os/environment.hpp"
#include "os/words.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/snapshot.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace snapfix::job {

enum class Guard : std::uint8_t { automatic, on, off };

/// What the record says of a run that is about to begin: whoever verifies meanwhile reads it.
snapshot::GuardRecord guard_before(Guard wanted);

/// Runs a command in a snapshot, whose name's lock the caller holds: under the guard where there is
/// something to guard, a shared file or the source. `record` gets what it did. It was written just
/// before, or `listed` is the present time by the clock of the root's file system, and `wanted` not
/// Guard::automatic, which may write it. Throws guard::CannotStart, os::Error.
guard::CommandEnd run_in_tree(const snapshot::Snapshot& snapshot, const guard::Command& command,
                              Guard wanted, guard::SourceWrites source_writes,
                              snapshot::RunRecord& record,
                              std::optional<os::Time> listed = std::nullopt);

/// Keeps git, run in the snapshot at that path, from finding the source's repository above it.
/// Throws os::Error where the path cannot be told to git.
void add_git_ceiling(os::Environment& environment, const std::string& snapshot);

} // namespace snapfix::job

template<>
inline constexpr std::array snapfix::os::k_words<snapfix::job::Guard>{"auto", "on", "off"};
