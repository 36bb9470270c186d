#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::os {

/// An environment as execve takes it: NAME=value, in any order, a name maybe more than once.
class Environment {
public:
  Environment() = default;
  explicit Environment(std::vector<std::string> variables) : m_variables(std::move(variables)) {}

  /// That of this process.
  static Environment current();

  static std::string_view name_of(std::string_view variable) {
    return variable.substr(0, variable.find('='));
  }

  /// The first of several, as getenv(3) has it.
  std::optional<std::string> get(std::string_view name) const;
  bool has(std::string_view name) const;

  /// In place of all of that name.
  void set(std::string_view name, std::string_view value);
  void unset(std::string_view name);

  const std::vector<std::string>& variables() const noexcept { return m_variables; }

private:
  std::vector<std::string> m_variables;
};

/// The variables by which git finds another repository than the one it stands in (what
/// `git rev-parse --local-env-vars` lists). A commit hook sets some of them: a git call of ours
/// that kept GIT_INDEX_FILE would list another tree.
const std::vector<std::string>& git_local_variables();

/// This process's environment without those.
Environment environment_without_git();

} // namespace snapfix::os
