#pragma once

#include "os/file.hpp"
#include "snapshot/root.hpp"
#include "snapshot/store.hpp"

#include <string>

namespace snapfix::snapshot {

/// Takes over the last freeze of that key, and all objects of its base, from the root beside ours
/// that froze last: as hard links, so that either root can go or change without the other. `store`
/// is ours of that source, whose lock the caller holds; of the other root no lock is needed. Throws
/// os::Error; what has been linked by then is like what a killed freeze leaves.
void take_over_freeze(const Root& root, const std::string& source, Store& store,
                      const os::Hash& key);

} // namespace snapfix::snapshot
