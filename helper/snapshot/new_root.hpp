#pragma once

#include "snapshot/root.hpp"

#include <functional>
#include <string>

namespace snapfix::snapshot {

/// Calls `work` with the root at that path, which is made if it is missing. If `work` fails, a root
/// that was made for it goes again, with the folders above it that were made: unless there is a
/// snapshot in it, or somebody else is at work there. Throws what `work` throws, and as
/// Root::open_or_make().
void in_root(const std::string& path, const std::function<void(const Root&)>& work);

} // namespace snapfix::snapshot
