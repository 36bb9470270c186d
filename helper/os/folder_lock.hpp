#pragma once

#include "os/dir.hpp"

namespace snapfix::os {

/// Locks on an open folder itself (flock(2)), for those who work in it and those who may remove it.
/// They last as long as its descriptor. Not every network file system has them: then nobody gets
/// one.

/// Shares the folder with others, after whoever has it alone.
void share_folder(const Dir& dir) noexcept;

/// Whether we have the folder alone now; if not, we share it no more.
bool take_folder(const Dir& dir) noexcept;

} // namespace snapfix::os
