#pragma once

#include "os/subprocess.hpp"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::source {

/// Which configuration a git call goes by.
enum class GitConfig {
  all,          ///< also the user's and the system's
  of_repository ///< no more than the git folder's own
};

struct GitCall {
  std::string folder; ///< where it runs
  std::vector<std::string> arguments;
  std::optional<std::string> ceiling = std::nullopt; ///< git looks for no `.git` in it or above it
  std::string git_folder; ///< of the work tree `folder`; empty: git finds it
  GitConfig config = GitConfig::all;
};

/// Calls git so that it runs no other program, fetches nothing and writes nothing of its own
/// accord. With `take_output` its stdout goes there. Throws os::Error where there is no git.
os::Finished run_git(const GitCall& call,
                     const std::function<void(std::string_view)>& take_output = {});

} // namespace snapfix::source
