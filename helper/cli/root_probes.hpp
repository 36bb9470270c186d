#pragma once

#include "os/probe.hpp"

#include <string>
#include <vector>

namespace snapfix::cli {

/// The root that commands mean in that folder: of a build tree the one that it is configured with,
/// else as root_path() has it.
std::string root_of(const std::string& folder);

/// What doctor says of a root's place: how much of a Unix socket's path it leaves, and whether
/// tools climb out of snapshots in it. `folder` is the source where the root holds none yet.
std::vector<os::Probe> root_probes(const std::string& root, const std::string& folder);

} // namespace snapfix::cli
