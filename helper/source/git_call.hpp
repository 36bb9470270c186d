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

enum class ReplaceRefs { heed, ignore };

struct GitCall {
  std::string folder; ///< where it runs
  std::vector<std::string> arguments;
  std::optional<std::string> ceiling = std::nullopt; ///< git looks for no `.git` in it or above it
  std::string git_folder = {}; ///< of the work tree `folder`; empty: git finds it
  GitConfig config = GitConfig::all;
  ReplaceRefs replace_refs = ReplaceRefs::heed;
  int input = -1; ///< a descriptor that is its stdin; -1: none
};

/// Calls git so that it runs no other program, fetches nothing and writes nothing of its own
/// accord. With `take_output` its stdout goes there. Throws os::Error where there is no git.
os::Finished run_git(const GitCall& call,
                     const std::function<void(std::string_view)>& take_output = {});

/// git's exit code for options that it lacks.
constexpr int k_git_lacks_option = 129;

/// Throws os::Error: what a `.git` is made of cannot be read, as git says by `words`.
[[noreturn]] void throw_unreadable(const std::string& work_tree, const char* what,
                                   std::string words);

} // namespace snapfix::source
