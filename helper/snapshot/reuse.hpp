#pragma once

#include "snapshot/create.hpp"

namespace snapfix::snapshot {

// A snapshot that exists is used as it is. Both throw os::Error where it cannot be.

/// Whatever its state.
Created reuse_as_it_stands(const Snapshot& standing, const CreateOptions& options);

/// If it was made of that base, with those options or with any where none are given.
Created reuse_of_base(const Snapshot& standing, const Base& base, const CreateOptions& options);

} // namespace snapfix::snapshot
