#include "lint/kind.hpp"
#include "lint/shell_reader.hpp"
#include "lint/words.hpp"

#include <algorithm>

namespace snapfix::lint {
namespace {

/// The script interpreter that a command, or a pipeline's next one, feeds its input to.
Kind interpreter_of(const std::vector<Word>& words) {
  bool script_given = false;
  Kind kind = Kind::none;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view name = base_name(words[i].chars());
    if (is_shell(name) || name == "sbatch" || name == "batch" || (name == "ssh" && i == 0)) {
      kind = Kind::shell;
      script_given = false;
    } else if (name.starts_with("python")) {
      kind = Kind::python;
      script_given = false;
    } else if (name == "-c" || name == "-m" || (kind == Kind::python && !name.starts_with('-'))) {
      script_given = true; // the input is data
    }
  }
  return script_given ? Kind::none : kind;
}

std::string target_of(const HereDocument& document) {
  for (const auto* words : {&document.command, &document.piped}) {
    for (std::size_t i = 0; i + 1 < words->size(); ++i) {
      if (base_name((*words)[i].chars()) == "tee") {
        return words->back().chars();
      }
    }
  }
  return document.target;
}

} // namespace

void ShellReader::read_here_documents() {
  auto documents = std::move(m_documents);
  m_documents.clear();
  for (const HereDocument& document : documents) {
    const Text body = read_body(document);
    if (!m_words_only) {
      use_body(document, body);
    }
  }
}

Text ShellReader::read_body(const HereDocument& document) {
  Text body;
  while (m_pos < m_text.size()) {
    std::size_t begin = m_pos;
    std::size_t end = std::min(m_text.chars().find('\n', m_pos), m_text.size());
    while (document.strip_tabs && m_text[begin] == '\t') {
      ++begin;
    }
    m_pos = std::min(end + 1, m_text.size());
    if (std::string_view(m_text.chars()).substr(begin, end - begin) == document.delimiter) {
      break;
    }
    for (std::size_t i = begin; i < m_pos; ++i) {
      const char next = m_text[i + 1];
      if (!document.quoted && m_text[i] == '\\' && (next == '$' || next == '\\' || next == '`')) {
        ++i; // the shell that writes the document takes the backslash away
      }
      body.push(m_text[i], m_text.begin_of(i));
    }
  }
  return body;
}

void ShellReader::use_body(const HereDocument& document, const Text& body) {
  if (!document.quoted) {
    read_substitutions(body);
  }
  if (document.command.empty()) {
    return;
  }
  const std::string_view name = base_name(document.command[0].chars());
  const std::string target = target_of(document);
  Kind kind = interpreter_of(document.piped.empty() ? document.command : document.piped);
  if (kind == Kind::none && !target.empty()) {
    kind = kind_of_shebang(body.chars());
    kind = kind == Kind::none ? kind_of_name(base_name(target)) : kind;
  }
  if (kind != Kind::none) {
    // A file is run later, by who knows whom; an interpreter has our environment.
    read_language(kind, body, target.empty() ? m_variables : m_reading.environment(), m_reading,
                  m_depth + 1);
  } else if (name == "cat") {
    m_cat_body = body;
  } else if (name == "read" && is_name(document.command.back().chars())) {
    m_variables[document.command.back().chars()].value = body;
  }
}

/// What a document without quotes substitutes is run by the shell that writes it.
void ShellReader::read_substitutions(const Text& body) {
  constexpr int k_deepest = 8; // documents in each other
  for (std::size_t i = 0; m_depth < k_deepest && i + 1 < body.size(); ++i) {
    if (body[i] == '$' && body[i + 1] == '(' && body[i + 2] != '(') {
      if (!m_reading.spend(1)) {
        return;
      }
      ShellReader inner(body, m_variables, m_reading, m_depth + 1);
      inner.m_pos = i;
      Word scratch;
      inner.substitution(scratch);
      i = std::max(i, inner.m_pos - 1);
    }
  }
}

} // namespace snapfix::lint
