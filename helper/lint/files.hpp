#pragma once

#include <optional>
#include <string>
#include <vector>

namespace snapfix::lint {

/// The files that a path given by the user means: itself, or all below a folder that git does not
/// ignore; outside a git work tree all but hidden folders and those of tools. Symlinks below a
/// folder are not followed. Throws os::Error.
std::vector<std::string> files_of(const std::string& path);

/// A file's text; nothing if it is no text, or larger than any script.
std::optional<std::string> read_text_file(const std::string& path);

} // namespace snapfix::lint
