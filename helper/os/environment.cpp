#include "os/environment.hpp"

#include <algorithm>

#include <unistd.h>

namespace snapfix::os {

Environment Environment::current() {
  std::vector<std::string> out;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    out.emplace_back(*variable);
  }
  return Environment(std::move(out));
}

std::optional<std::string> Environment::get(std::string_view name) const {
  const auto found = std::ranges::find(m_variables, name, name_of);
  return found == m_variables.end() || found->size() == name.size()
             ? std::nullopt
             : std::optional(found->substr(name.size() + 1));
}

bool Environment::has(std::string_view name) const {
  return std::ranges::find(m_variables, name, name_of) != m_variables.end();
}

void Environment::set(std::string_view name, std::string_view value) {
  unset(name);
  m_variables.push_back(std::string(name) + "=" + std::string(value));
}

void Environment::unset(std::string_view name) {
  std::erase_if(m_variables,
                [&](const std::string& variable) { return name_of(variable) == name; });
}

const std::vector<std::string>& git_local_variables() {
  static const std::vector<std::string> k_names{
      "GIT_ALTERNATE_OBJECT_DIRECTORIES",
      "GIT_CONFIG",
      "GIT_CONFIG_PARAMETERS",
      "GIT_CONFIG_COUNT",
      "GIT_OBJECT_DIRECTORY",
      "GIT_DIR",
      "GIT_WORK_TREE",
      "GIT_IMPLICIT_WORK_TREE",
      "GIT_GRAFT_FILE",
      "GIT_INDEX_FILE",
      "GIT_NO_REPLACE_OBJECTS",
      "GIT_REPLACE_REF_BASE",
      "GIT_PREFIX",
      "GIT_SHALLOW_FILE",
      "GIT_COMMON_DIR",
      "GIT_INTERNAL_SUPER_PREFIX",
  };
  return k_names;
}

Environment environment_without_git() {
  auto out = Environment::current();
  for (const auto& name : git_local_variables()) {
    out.unset(name);
  }
  return out;
}

} // namespace snapfix::os
