#pragma once

#include "os/environment.hpp"

#include <functional>
#include <string>
#include <vector>

namespace snapfix::job {

/// Notes where an environment names a folder of programs in the source that the snapshots do not
/// have: VIRTUAL_ENV, else the first such entry of PATH. Programs there, and what they load, are
/// the source's own. A build tree is no part of the source.
void note_programs_in_source(const os::Environment& environment, const std::string& source,
                             const std::function<bool(const std::string&)>& snapshots_have);

} // namespace snapfix::job
