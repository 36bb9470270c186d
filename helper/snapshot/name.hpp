#pragma once

#include <string>

namespace snapfix::snapshot {

/// The folder of the snapshot `name` in its root: the name itself where it is a plain file name
/// (1 to 100 of A-Z a-z 0-9 . _ + = @ -, beginning with a letter, a digit or _), else a readable
/// part, `~`, and 16 hex digits of the name's UUID version 5. cmake/SnapshotFixtures.cmake holds
/// the same rule. Throws os::Error for the empty name.
std::string folder_of_name(const std::string& name);

/// What the names of scratch snapshots begin with: they are nobody's, and go with the next prune.
constexpr std::string_view k_scratch_prefix = "snapshots.uv_lock.";

} // namespace snapfix::snapshot
