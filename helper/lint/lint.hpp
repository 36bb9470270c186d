#pragma once

#include "lint/call.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::lint {

/// Finds commands that call uv without pinning the lock: those that resolve the project anew, and
/// so may change uv.lock under the feet of whoever runs beside them.

enum class Fix { no, yes };

struct Options {
  Fix fix = Fix::no;
  AssumeLocked assume_locked = AssumeLocked::no;
};

struct Place {
  std::string path;
  std::size_t line = 0;   ///< from 1
  std::size_t column = 0; ///< from 1, in bytes
  std::string command;
  std::string message;
  bool fixable = false;
};

struct Report {
  std::size_t files = 0;           ///< those that were read
  std::size_t fixed = 0;           ///< places, not files
  std::vector<Place> findings;     ///< by file and place; those that are fixed are left out
  std::vector<std::string> unread; ///< files that were named, and are of no kind that is read
};

/// Looks at files, and at all files of folders that may hold commands. Throws os::Error for what
/// cannot be read or written.
Report lint_files(const std::vector<std::string>& paths, const Options& options);

/// The findings in one text; `path` tells its kind and where scripts that it names lie. A line
/// that says `# snapfix: allow-unlocked` has none.
std::vector<Finding> lint_text(const std::string& path, std::string_view text,
                               AssumeLocked assume_locked, WorkTrees& trees);

/// `text` with what the findings insert.
std::string fixed_text(std::string_view text, const std::vector<Finding>& findings);

} // namespace snapfix::lint
