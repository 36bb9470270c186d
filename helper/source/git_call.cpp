#include "source/git_call.hpp"

#include "os/error.hpp"
#include "os/format.hpp"

#include <array>
#include <cerrno>
#include <filesystem>

namespace snapfix::source {
namespace {

/// What every git call of ours is told, over what any configuration says: it runs no program
/// (monitor, hook, pager) and fetches nothing, which would run more of them and write into `.git`.
constexpr std::array<const char*, 6> k_command{
    "git", "--no-pager", "-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null"};
constexpr std::array<std::pair<const char*, const char*>, 5> k_variables{{
    {"LC_ALL", "C"}, // its words must be recognizable
    {"GIT_OPTIONAL_LOCKS", "0"},
    {"GIT_NO_LAZY_FETCH", "1"},
    {"GIT_ALLOW_PROTOCOL", "none"}, // for a git before 2.39.4, which does not know that one
    {"GIT_TERMINAL_PROMPT", "0"},
}};

os::Environment git_environment(const GitCall& call) {
  auto out = os::environment_without_git();
  for (const char* name : {"LANGUAGE", "GIT_EXTERNAL_DIFF", "GIT_DIFF_OPTS"}) {
    out.unset(name);
  }
  for (const auto& [name, value] : k_variables) {
    out.set(name, value);
  }
  if (call.ceiling) {
    out.set("GIT_CEILING_DIRECTORIES", *call.ceiling);
  }
  if (!call.git_folder.empty()) {
    out.set("GIT_DIR", call.git_folder);
    out.set("GIT_WORK_TREE", call.folder);
  }
  if (call.config == GitConfig::of_repository) {
    for (const char* name : {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "HOME", "XDG_CONFIG_HOME"}) {
      out.set(name, "/dev/null");
    }
    out.set("GIT_CONFIG_NOSYSTEM", "1");
    out.set("GIT_ATTR_NOSYSTEM", "1");
  }
  if (call.replace_refs == ReplaceRefs::ignore) {
    out.set("GIT_NO_REPLACE_OBJECTS", "1");
  }
  return out;
}

} // namespace

os::Finished run_git(const GitCall& call,
                     const std::function<void(std::string_view)>& take_output) {
  std::vector<std::string> command(k_command.begin(), k_command.end());
  command.insert(command.end(), call.arguments.begin(), call.arguments.end());
  try {
    return os::run_program(command, git_environment(call), call.folder, take_output, call.input);
  } catch (const os::Error& error) {
    std::error_code ignored;
    if (error.error_number() == ENOENT && std::filesystem::exists(call.folder, ignored)) {
      throw os::Error("git, which is to look at " + os::quoted(call.folder) + ", is not installed",
                      "install git; a freeze goes without it by --files all --git off");
    }
    throw;
  }
}

void throw_unreadable(const std::string& work_tree, const char* what, std::string words) {
  words.erase(words.find_last_not_of('\n') + 1);
  throw os::Error(os::format("git cannot read {} of {}: {}", what, os::quoted(work_tree), words),
                  "--git off makes snapshots without a .git");
}

} // namespace snapfix::source
