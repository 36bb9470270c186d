#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::uv {

// An environment as execve takes it: NAME=value.

inline std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

inline std::optional<std::string> value_of(const std::vector<std::string>& environment,
                                           std::string_view name) {
  for (const auto& variable : environment) {
    if (name_of(variable) == name && variable.size() > name.size()) {
      return variable.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

inline void drop(std::vector<std::string>& environment, std::string_view name) {
  std::erase_if(environment,
                [&](const std::string& variable) { return name_of(variable) == name; });
}

} // namespace snapfix::uv
