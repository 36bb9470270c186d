#pragma once

#include "os/environment.hpp"
#include "os/file.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace snapfix::uv {

// What the outcome of a check rests on beside the project's own files.

/// Stands for uv itself, by its `identity`, variables, and its configuration files, also those in
/// `folder`, where the snapshots lie, and above it.
os::Hash surroundings_of_check(const std::string& identity, const os::Environment& environment,
                               const std::string& folder);

/// Whether the outcome may be another one, though nothing changes that is looked at: by the clock,
/// with a relative `exclude-newer` (`7 days`, `P7D`), or by what lies elsewhere, with a dependency
/// on an absolute path. Looks at the variables and the files that count for the project or script
/// `locked`, an absolute path. They are not parsed: a mistake costs a check.
bool may_change_unseen(const os::Environment& environment, const std::string& locked);

bool has_relative_exclude_newer(std::string_view text);
bool has_absolute_path(std::string_view text);

} // namespace snapfix::uv
