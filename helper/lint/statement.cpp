#include "lint/kind.hpp"
#include "lint/shell_reader.hpp"
#include "lint/words.hpp"

#include <algorithm>

// What a statement does to the variables of the script, and what it writes into others.

namespace snapfix::lint {

std::string_view expanded_name(const Word& word) {
  std::string_view chars = word.chars();
  if (!chars.starts_with('$')) {
    return {};
  }
  chars.remove_prefix(1);
  if (chars.starts_with('{') && chars.ends_with('}')) {
    chars = chars.substr(1, chars.size() - 2);
    if (chars.ends_with("[@]") || chars.ends_with("[*]")) {
      chars.remove_suffix(3);
    }
  }
  return is_name(chars) ? chars : std::string_view();
}

void ShellReader::run(const Command& command) {
  const auto& words = command.words;
  const bool only_assignments =
      std::ranges::all_of(words, [](const Word& word) { return word.equals != 0; });
  const std::string& name = words[0].chars();
  if (only_assignments) {
    for (const Word& word : words) {
      assign(word, false);
    }
    return;
  }
  if (is_any(name, {"export", "declare", "typeset", "local", "readonly"})) {
    declare(words);
    return;
  }
  if (name == "unset") {
    for (const Word& word : words) {
      m_variables.erase(word.chars());
    }
    return;
  }
  if (is_any(name, {"cd", "pushd", "popd"})) {
    const bool back = words.size() < 2 || words.back().chars() == "-";
    if (back) {
      m_variables.erase("PWD");
    } else {
      change_folder(m_variables, words.back().chars());
    }
    return;
  }
  if (is_any(name, {"echo", "printf"}) && !command.target.empty()) {
    print_into_script(command);
    return;
  }
  const bool shell = std::ranges::any_of(
      words, [](const Word& word) { return is_shell(base_name(word.chars())); });
  for (const Word& word : command.here_strings) {
    if (shell) {
      Variables inner = m_variables;
      read_shell(word.text, inner, m_reading, m_depth + 1);
    }
  }
  read_command(words, m_variables, m_reading, m_depth);
}

void ShellReader::assign(const Word& word, bool exported) {
  std::string name = word.chars().substr(0, word.equals);
  const bool append = name.ends_with('+');
  if (append) {
    name.pop_back();
  }
  Variable& variable = m_variables[name];
  Text value = word.text.sub(word.equals + 1, word.text.size());
  if (value.starts(0, "$(cat <<") || value.starts(0, "$(cat  <<")) {
    value = m_cat_body;
  }
  for (const std::string_view finds : {"$(command -v ", "$(which ", "$(type -P "}) {
    if (value.starts(0, finds) && value[value.size() - 1] == ')') { // the path is as good as a name
      value = value.sub(finds.size(), value.size() - 1).trimmed();
    }
  }
  Word alone;
  alone.text = value;
  const auto same = m_variables.find(std::string(expanded_name(alone)));
  // NAME=$OTHER
  if (same != m_variables.end() && m_reading.spend(same->second.value.size())) {
    value = same->second.value;
  }
  if (append) {
    variable.value.append(value);
    variable.elements.insert(variable.elements.end(), word.elements.begin(), word.elements.end());
  } else {
    constexpr std::size_t k_most_others = 4;
    if (m_conditions.empty()) {
      variable.others.clear();
    } else if (!variable.value.empty() && variable.others.size() < k_most_others) {
      variable.others.push_back(variable.value);
    }
    variable.value = value;
    variable.elements = word.elements;
  }
  variable.exported |= exported;
  read_exported(name);
}

/// A command line that is exported is there to be run.
void ShellReader::read_exported(const std::string& name) {
  const Variable& variable = m_variables[name];
  if (variable.exported && m_reading.spend(variable.value.size()) &&
      is_script_value(name, variable.value)) {
    m_reading.in_variable = true;
    const Text script = variable.value;
    Variables inner = m_variables;
    read_shell(script, inner, m_reading, m_depth + 1);
    m_reading.in_variable = false;
  }
}

void ShellReader::declare(const std::vector<Word>& words) {
  bool exported = words[0].chars() == "export";
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& chars = words[i].chars();
    if (chars.starts_with('-')) {
      exported |= chars.find('x') != std::string::npos;
    } else if (words[i].equals != 0) {
      assign(words[i], exported);
    } else if (is_name(chars) && m_variables.count(chars) != 0) {
      m_variables[chars].exported |= exported;
      read_exported(chars);
    }
  }
}

/// `echo "uv run x" >> run.sh`, and `echo UV_FROZEN=1 >> "$GITHUB_ENV"`.
void ShellReader::print_into_script(const Command& command) {
  if (contains(command.target, "GITHUB_ENV")) {
    for (const Word& word : command.words) {
      const auto equals = word.chars().find('=');
      if (equals != std::string::npos && word.chars().starts_with("UV_")) {
        m_reading.later[word.chars().substr(0, equals)] = {
            word.text.sub(equals + 1, word.text.size()), {}, true, {}};
      }
    }
  } else if (kind_of_name(base_name(command.target)) == Kind::shell) {
    for (std::size_t i = 1; i < command.words.size(); ++i) {
      Variables inner = m_reading.environment();
      read_shell(command.words[i].text, inner, m_reading, m_depth + 1);
    }
  }
}

} // namespace snapfix::lint
