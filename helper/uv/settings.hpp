#pragma once

#include "os/file.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace snapfix::uv {

// What the outcome of a check rests on beside the project's own files.

/// Stands for uv itself, by its `identity`, variables, and its configuration files, also those in
/// `folder`, where the snapshots lie, and above it.
os::Hash surroundings_of_check(const std::string& identity,
                               const std::vector<std::string>& environment,
                               const std::string& folder);

/// Whether the outcome changes with the clock, though nothing else does: a relative
/// `exclude-newer` (`7 days`, `P7D`) among the variables, or in a configuration file that counts
/// for the project or the script `locked`, an absolute path.
bool changes_with_time(const std::vector<std::string>& environment, const std::string& locked);

/// Whether a configuration file's text holds one. It is not parsed: a mistake costs a check.
bool has_relative_exclude_newer(std::string_view text);

} // namespace snapfix::uv
