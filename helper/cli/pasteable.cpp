#include "cli/pasteable.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/subprocess.hpp"

#include <algorithm>
#include <set>

namespace snapfix::cli {
namespace {

constexpr std::string_view k_plain =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./=:,+@%";

std::string_view name_in(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

/// Only `env` takes names that no shell has; it takes no option for a variable.
bool is_settable(std::string_view variable) {
  return !name_in(variable).empty() && !variable.starts_with('-');
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

std::vector<std::string> command_lines(const nlohmann::json& run) {
  using Texts = std::vector<std::string>;
  const auto had = run.value("environment", Texts());
  const auto here = os::environment_without_git();
  std::set<std::string_view> names;
  for (const auto& variable : had) {
    names.insert(name_in(variable));
  }
  Texts changes;
  for (const auto& variable : here) {
    const std::string name(name_in(variable));
    if (!names.contains(name) && is_settable(variable)) {
      changes.push_back("-u " + shell_word(name));
    }
  }
  for (const auto& variable : had) {
    const bool is_folder = variable.starts_with("PWD=") || variable.starts_with("OLDPWD=");
    if (!is_folder && is_settable(variable) && std::ranges::find(here, variable) == here.end()) {
      changes.push_back(shell_word(variable));
    }
  }
  std::string command;
  for (const auto& word : run.value("command", Texts())) {
    command += (command.empty() ? "" : " ") + shell_word(word);
  }
  const std::string folder = shell_word(run.value("folder", "."));
  if (changes.empty()) {
    return {os::format("cd {} && {}", folder, command)};
  }
  Texts out{os::format("cd {} && env \\", folder)};
  for (const auto& change : changes) {
    out.push_back("  " + change + " \\");
  }
  out.push_back("  " + command);
  return out;
}

} // namespace snapfix::cli
