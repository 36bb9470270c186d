#pragma once

#include "snapshot/root.hpp"

#include <optional>
#include <string>

namespace snapfix::job {

// The helper that a root holds, `.snapfix/bin/snapfix`: whatever sees the root can run it.

/// The program that goes into roots: the one that is linked statically, if it was built and lies
/// where it belongs, else this one.
struct Helper {
  std::string path;
  bool is_static = false;
};
Helper find_helper();

/// Puts it into the root, if another one or none is there, in one step. Throws os::Error.
void place_helper(const snapshot::Root& root);

/// Its words in front of a ticket, as those see them who see the root at `root`.
std::string helper_in(const std::string& root);

/// The root whose helper this process is; nothing if it is none of a root.
std::optional<std::string> root_of_this_helper();

} // namespace snapfix::job
