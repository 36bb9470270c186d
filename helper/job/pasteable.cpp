#include "job/pasteable.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/slurm.hpp"
#include "os/subprocess.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <utility>

namespace snapfix::job {
namespace {

constexpr std::string_view k_plain =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=:,+@%";

/// What a shell, `ctest` or `snapfix run` sets itself.
constexpr std::array<std::string_view, 9> k_set_anyway{"_",
                                                       "SHLVL",
                                                       "CTEST_INTERACTIVE_DEBUG_MODE",
                                                       "GIT_CEILING_DIRECTORIES",
                                                       "PWD",
                                                       "OLDPWD",
                                                       "SNAPSHOT_DIR",
                                                       "SNAPSHOT_NAME",
                                                       "SNAPSHOT_SOURCE_DIR"};

/// Only `env` takes names that no shell has; it takes no option for a variable.
bool is_worth_setting(std::string_view variable) {
  const auto name = os::Environment::name_of(variable);
  return !name.empty() && !variable.starts_with('-') &&
         std::ranges::find(k_set_anyway, name) == k_set_anyway.end();
}

/// By its path: who pastes it may not have it in PATH.
std::string own_program() {
  try {
    return os::canonical_path("/proc/self/exe");
  } catch (const os::Error&) {
    return "snapfix";
  }
}

} // namespace

std::string shell_word(std::string_view word) {
  if (!word.empty() && word.find_first_not_of(k_plain) == std::string_view::npos) {
    return std::string(word);
  }
  const bool has_control =
      std::ranges::any_of(word, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  if (has_control || !os::is_utf8(word)) { // $'...': of bash, ksh, zsh, and POSIX since 2024
    std::string out = "$'";
    for (const char c : word) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '\'' || c == '\\') {
        out += '\\';
        out += c;
      } else if (byte < 0x20 || byte >= 0x7F) {
        out += os::format("\\{:03o}", byte);
      } else {
        out += c;
      }
    }
    return out + "'";
  }
  std::string out = "'";
  for (const char c : word) {
    out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return out + "'";
}

std::string run_words(const std::string& name, const std::string& root, const std::string& source) {
  return shell_word(own_program()) + " run " +
         shell_word((name.starts_with('-') ? "--name=" : "") + name) + " --root " +
         shell_word(root) + " --source " + shell_word(source);
}

std::string words_for(std::string_view subcommand, const std::string& name,
                      const std::string& root) {
  return shell_word(own_program()) + " " + std::string(subcommand) + " " +
         shell_word((name.starts_with('-') ? "--name=" : "") + name) + " --root " +
         shell_word(root);
}

os::Environment environment_of(const snapshot::RunRecord& run) {
  const auto& asked_for = run.wishes.pack_environment;
  const auto is_of_job = [&](std::string_view variable) {
    const auto name = os::Environment::name_of(variable);
    return os::is_slurm_variable(name) && std::ranges::find(asked_for, name) == asked_for.end();
  };
  auto out = run.environment;
  std::erase_if(out, is_of_job);
  std::ranges::copy_if(os::Environment::current().variables(), std::back_inserter(out), is_of_job);
  return os::Environment(std::move(out));
}

std::vector<std::string> command_lines(const snapshot::Description& snapshot,
                                       const std::string& root) {
  using Texts = std::vector<std::string>;
  const auto run = snapshot.run.value_or(snapshot::RunRecord());
  const auto here = os::environment_without_git().variables();
  const auto of_run = environment_of(run);
  Texts changes;
  for (const auto& variable : here) {
    const std::string name(os::Environment::name_of(variable));
    if (!of_run.has(name) && is_worth_setting(variable)) {
      changes.push_back("-u " + shell_word(name));
    }
  }
  for (const auto& variable : of_run.variables()) {
    if (is_worth_setting(variable) && std::ranges::find(here, variable) == here.end()) {
      changes.push_back(shell_word(variable));
    }
  }
  const std::string& path = snapshot.path;
  const std::string& name = snapshot.meta.name;
  std::string start = run_words(name, root, snapshot.meta.source);
  if (run.folder.starts_with(path + "/")) {
    start += " --chdir=" + shell_word(run.folder.substr(path.size() + 1));
  }
  const std::string writes = run.guard.report ? run.guard.report->source_writes : "deny";
  if (writes != "deny") {
    start += " --source-writes " + shell_word(writes);
  }
  std::string command = "--";
  for (const auto& word : run.command) {
    command += " " + shell_word(word);
  }
  Texts out;
  if (!changes.empty()) {
    out.emplace_back("env \\");
    for (const auto& change : changes) {
      out.push_back("  " + change + " \\");
    }
  }
  out.push_back(start + " \\");
  out.push_back("  " + command);
  return out;
}

} // namespace snapfix::job
