#pragma once

#include "os/file.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace snapfix::uv {

// `uv lock --check`: whether a project's lock fits its pyproject.toml. How uv behaves was read off
// its releases 0.5.8 (the first with that option) to 0.13.9.

/// The program: `given`, or where that is empty uv of PATH. Throws os::Error that says how to get
/// it.
std::string find(const std::string& given);

/// The words of the check, to be run in the project's folder.
std::vector<std::string> check_command(const std::string& program);

/// `environment` without what keeps the check from being one: UV_FROZEN (it then passes anything),
/// UV_LOCKED (some releases refuse both), and what leads to another project than the one of the
/// current folder.
std::vector<std::string> check_environment(std::vector<std::string> environment);

/// Stands for all that the outcome rests on beside the project's own files: uv itself, variables,
/// its configuration files, also those in `folder`, where the snapshots lie, and above it.
os::Hash surroundings_of_check(const std::string& program,
                               const std::vector<std::string>& environment,
                               const std::string& folder);

enum class Verdict {
  current,
  stale,   ///< the lock has to be written anew
  missing, ///< uv finds none: that of a folder above is not this project's
  failed,  ///< nothing is known of the lock: no network, a bad pyproject.toml, ...
};

/// What the exit code and uv's words mean. The code alone says nothing: it is 1 or 2 for either, by
/// release.
Verdict judge_check(int exit_code, std::string_view output);

/// Makes every uv command under `environment` keep to the lock: UV_LOCKED=1, and nothing that
/// overrules it. What would lead uv, started in `folder`, to a project outside `snapshot` is taken
/// out. Returns what is worth telling the user.
std::vector<std::string> enforce_lock(std::vector<std::string>& environment,
                                      const std::string& snapshot, const std::string& folder);

/// The folders whose uv.lock may be that of a project: its own, and those above it up to the
/// source's top (a workspace has one lock, in its root). Relative to the source.
std::vector<std::string> lock_folders(const std::string& project);

} // namespace snapfix::uv
