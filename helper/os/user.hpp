#pragma once

#include <string>
#include <vector>

namespace snapfix::os {

/// This user's home folders, without symlinks: that of HOME and that of the user database, which
/// differ under sudo. Those that are not there are left out.
std::vector<std::string> home_folders();

} // namespace snapfix::os
