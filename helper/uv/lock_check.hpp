#pragma once

#include "os/environment.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace snapfix::uv {

// `uv lock --check`: whether a project's lock fits its pyproject.toml. How uv behaves was read off
// its releases 0.5.8 (the first with that option) to 0.13.9.

/// The words of the check: of the project in whose folder they are run, or of the script of that
/// name in it (PEP 723; `x.py` has its lock in `x.py.lock`).
std::vector<std::string> check_command(const std::string& program, const std::string& script = {});

/// `environment` without what keeps the check from being one: UV_FROZEN (it then passes anything),
/// UV_LOCKED (some releases refuse both), and what leads to another project than the one of the
/// current folder.
os::Environment check_environment(os::Environment environment);

enum class Verdict {
  current,
  stale,   ///< the lock has to be written anew
  missing, ///< uv finds none: that of a folder above is not this project's
  too_old, ///< this release has no such check
  failed,  ///< nothing is known of the lock: no network, a bad pyproject.toml, ...
};

/// What the exit code and uv's words mean. The code alone says nothing: it is 1 or 2 for either, by
/// release.
Verdict judge_check(int exit_code, std::string_view output);

/// Makes every uv command under `environment` keep to the lock: UV_LOCKED=1, and nothing that
/// overrules it. What would lead uv, started in `folder`, to a project outside `snapshot` is taken
/// out. Returns what is worth telling the user.
std::vector<std::string> enforce_lock(os::Environment& environment, const std::string& snapshot,
                                      const std::string& folder);

/// Whether a command is one of uv that undoes what enforce_lock does, as far as its own words tell:
/// `uv run --no-locked`. What a script calls is not seen.
bool undoes_lock(const std::vector<std::string>& command);

/// The folders whose uv.lock may be that of a project: its own, and those above it up to the
/// source's top (a workspace has one lock, in its root). Relative to the source.
std::vector<std::string> lock_folders(const std::string& project);

} // namespace snapfix::uv
