#include "lint/kind.hpp"
#include "lint/shell.hpp"
#include "lint/words.hpp"

#include <algorithm>

// What a command does to the variables of the script, and what it writes for others to run.

namespace snapfix::lint {
namespace {

/// The language that those words of a pipeline run their input as.
Kind interpreter_of(const std::vector<Word>& words) {
  Kind kind = Kind::none;
  for (const Word& word : words) {
    const std::string_view name = base_name(word.chars());
    kind = is_shell(name) || is_in(" sbatch batch ssh ", name) ? Kind::shell
           : name.starts_with("python")                        ? Kind::python
                                                               : kind;
  }
  return kind;
}

} // namespace

std::string expanded_name(std::string_view chars) {
  if (!chars.starts_with('$')) {
    return {};
  }
  chars.remove_prefix(1);
  if (chars.starts_with('{') && chars.ends_with('}')) {
    chars = chars.substr(1, chars.size() - 2);
    chars.remove_suffix(chars.ends_with("[@]") || chars.ends_with("[*]") ? 3 : 0);
  }
  return std::string(is_name(chars) ? chars : "");
}

void ShellReader::run(const Command& command) {
  const auto& words = command.words;
  const std::string& name = words[0].chars();
  if (std::ranges::all_of(words, [](const Word& word) { return word.equals != 0; })) {
    for (const Word& word : words) {
      assign(word, false);
    }
  } else if (is_in(" export declare typeset local readonly ", name)) {
    declare(words);
  } else if (name == "unset") {
    for (const Word& word : words) {
      m_variables->erase(word.chars());
    }
  } else if (is_in(" cd pushd popd ", name)) {
    if (words.size() < 2 || words.back().chars() == "-") { // nobody knows where that is
      m_variables->erase("PWD");
    } else {
      change_folder(*m_variables, words.back().chars());
    }
  } else if (is_in(" echo printf ", name) && contains(command.target, "GITHUB_ENV")) {
    for (const Word& word : words) {
      if (const auto equals = word.chars().find('='); word.chars().starts_with("UV_")) {
        m_reading.later[word.chars().substr(0, equals)] = {
            word.text.sub(equals + 1, word.text.size()), true};
      }
    }
  } else {
    read_command(words, *m_variables, m_reading, m_depth);
  }
}

void ShellReader::assign(const Word& word, bool exported) {
  std::string name = word.name();
  const bool append = name.ends_with('+');
  if (append) {
    name.pop_back();
  }
  Text value = word.value();
  for (const std::string_view finds : {"$(command -v ", "$(which "}) {
    if (value.starts(0, finds) && value.chars().ends_with(')')) { // as good as the name
      value = value.sub(finds.size(), value.size() - 1).trimmed();
    }
  }
  if (const Variable* same = m_variables->find(expanded_name(value.chars()))) { // NAME=$OTHER
    value = m_reading.spend(same->value.size()) ? same->value : value;
  }
  Variable& variable = (*m_variables)[name];
  if (append) {
    variable.value.append(value);
    variable.elements.insert(variable.elements.end(), word.elements.begin(), word.elements.end());
  } else {
    constexpr std::size_t k_most_others = 4;
    if (m_blocks.empty()) {
      variable.others.clear();
    } else if (!variable.value.empty() && variable.others.size() < k_most_others) {
      variable.others.push_back(variable.value);
    }
    variable.value = value;
    variable.elements = word.elements;
  }
  variable.exported |= exported;
}

void ShellReader::declare(const std::vector<Word>& words) {
  bool exported = words[0].chars() == "export";
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& chars = words[i].chars();
    if (words[i].equals != 0) {
      assign(words[i], exported);
    } else if (m_variables->find(chars) != nullptr) {
      (*m_variables)[chars].exported |= exported;
    }
  }
}

void ShellReader::read_here_documents() {
  for (const HereDocument& document : std::exchange(m_documents, {})) {
    const Text body = read_body(document);
    if (!m_words_only && !document.words.empty()) {
      use_body(document, body);
    }
  }
}

Text ShellReader::read_body(const HereDocument& document) {
  Text body;
  while (m_pos < m_text.size()) {
    std::size_t begin = m_pos;
    const std::size_t end = std::min(m_text.chars().find('\n', m_pos), m_text.size());
    while (document.strip_tabs && m_text[begin] == '\t') {
      ++begin;
    }
    m_pos = std::min(end + 1, m_text.size());
    if (std::string_view(m_text.chars()).substr(begin, end - begin) == document.delimiter.chars()) {
      break;
    }
    for (std::size_t i = begin; i < m_pos; ++i) {
      // The shell that writes the document takes the backslash away.
      i += !document.delimiter.quoted && m_text[i] == '\\' && is_any(m_text[i + 1], "$\\`") ? 1 : 0;
      body.push(m_text[i], m_text.begin_of(i));
    }
  }
  return body;
}

void ShellReader::use_body(const HereDocument& document, const Text& body) {
  const auto& words = document.words;
  const std::string& target = document.target;
  Kind kind = interpreter_of(words);
  if (kind == Kind::none && !target.empty()) {
    kind = kind_of_shebang(body.chars());
    kind = kind == Kind::none ? kind_of_name(base_name(target)) : kind;
  }
  if (kind != Kind::none) {
    // A file is run later, by who knows whom; an interpreter has our environment.
    read_language(kind, body, target.empty() ? *m_variables : m_reading.environment(), m_reading,
                  m_depth + 1);
  } else if (words[0].chars() == "read") {
    (*m_variables)[words.back().chars()].value = body;
  }
}

} // namespace snapfix::lint
