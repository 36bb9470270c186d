#pragma once

#include "os/probe.hpp"

#include <string>
#include <vector>

namespace snapfix::cli {

/// What doctor says of uv: which one PATH holds, whether there is another one, and whether what its
/// cache holds can be linked into the snapshots below `folder`.
std::vector<os::Probe> uv_probes(const std::string& folder);

} // namespace snapfix::cli
