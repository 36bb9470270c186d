#pragma once

#include "job/repositories.hpp"
#include "snapshot/assembly.hpp"
#include "snapshot/root.hpp"

#include <string>
#include <vector>

namespace snapfix::job {

/// The `.git` folders of a tree that is put together of commits, one for each of its repositories:
/// that commit is checked out, without a branch, and the objects are borrowed from the clone's.
struct Checkout {
  std::vector<snapshot::PartFolder> folders;
  std::vector<snapshot::PartFile> files;
  std::vector<std::string> contents; ///< of each file
};

/// Nothing is written into the repositories. Throws os::Error.
Checkout checkout_of(const Repositories& repositories, const snapshot::Root& root);

} // namespace snapfix::job
