#pragma once

#include "snapshot/comparison.hpp"
#include "snapshot/root.hpp"

#include <functional>
#include <string_view>
#include <vector>

namespace snapfix::job {

/// Gives what differs between two sides, in those names, as a patch of `git diff`, piece by piece.
/// git runs on copies, in a scratch folder of the root, and without any configuration: it starts no
/// program. Throws os::Error.
void make_patch(const snapshot::Root& root, const snapshot::Side& before,
                const snapshot::Side& after, const std::vector<snapshot::ChangedName>& names,
                const std::function<void(std::string_view)>& take);

} // namespace snapfix::job
