#include "lint/shell_reader.hpp"

#include <utility>

namespace snapfix::lint {
namespace {

constexpr int k_deepest = 60;

} // namespace

void ShellReader::copy(Word& word, std::size_t count) {
  for (std::size_t i = 0; i < count && m_pos < m_text.size(); ++i, ++m_pos) {
    word.text.push(m_text[m_pos], m_text.begin_of(m_pos));
  }
}

void ShellReader::copy_until(Word& word, std::string_view end) {
  while (m_pos < m_text.size() && !m_text.starts(m_pos, end)) {
    copy(word, 1);
  }
  copy(word, end.size());
}

void ShellReader::skip_blanks() {
  while (is_blank(m_text[m_pos]) || m_text.starts(m_pos, "\\\n")) {
    m_pos += m_text[m_pos] == '\\' ? 2 : 1;
  }
}

void ShellReader::skip_comment() {
  while (m_pos < m_text.size() && m_text[m_pos] != '\n') {
    ++m_pos;
  }
}

/// `((...))`: the place is behind the opening parentheses.
void ShellReader::skip_arithmetic() {
  int open = 2;
  for (; m_pos < m_text.size() && open > 0; ++m_pos) {
    open += m_text[m_pos] == '(' ? 1 : m_text[m_pos] == ')' ? -1 : 0;
  }
}

bool ShellReader::at_word_end() const {
  switch (m_text[m_pos]) {
  case ' ':
  case '\t':
  case '\n':
  case ';':
  case '&':
  case '|':
  case '(':
  case ')':
  case '<':
  case '>':
    return true;
  default:
    return m_pos >= m_text.size();
  }
}

bool ShellReader::may_nest() const noexcept {
  return m_nesting < k_deepest;
}

Word ShellReader::read_word() {
  Word word;
  bool may_assign = true; // up to its first `=`
  word.begin = m_text.begin_of(m_pos);
  const std::size_t start = m_pos;
  while (m_pos < m_text.size()) {
    const char c = m_text[m_pos];
    if (c == '(' && word.text.size() == word.equals + 1 && word.equals != 0 && may_nest()) {
      ++m_nesting;
      read_array(word);
      --m_nesting;
    } else if (c == '(' && m_pos > start &&
               std::string_view("?*+@!").find(m_text[m_pos - 1]) != std::string_view::npos) {
      copy_until(word, ")"); // an extended glob
    } else if (at_word_end()) {
      break;
    } else if (m_text.starts(m_pos, "\\\n")) {
      m_pos += 2;
    } else if (c == '\\') {
      ++m_pos;
      copy(word, 1);
      word.quoted = true;
    } else if (c == '\'') {
      ++m_pos;
      while (m_pos < m_text.size() && m_text[m_pos] != '\'') {
        copy(word, 1);
      }
      ++m_pos;
      word.quoted = true;
    } else if (c == '"') {
      read_double_quoted(word);
    } else if (c == '$') {
      read_dollar(word);
    } else if (c == '`') {
      read_backquoted(word);
    } else if (m_text.starts(m_pos, "{{")) {
      copy_until(word, "}}"); // a template's expression
    } else {
      if (c == '=' && std::exchange(may_assign, false) && !word.quoted) {
        std::string_view name = word.chars();
        name.remove_suffix(name.ends_with('+') ? 1 : 0);
        word.equals = is_name(name) ? word.text.size() : 0;
      }
      copy(word, 1);
    }
  }
  word.end = m_text.end_of(m_pos);
  return word;
}

void ShellReader::read_double_quoted(Word& word) {
  word.quoted = true;
  ++m_pos;
  while (m_pos < m_text.size() && m_text[m_pos] != '"') {
    const char c = m_text[m_pos];
    const char next = m_text[m_pos + 1];
    if (c == '\\' && next == '\n') {
      m_pos += 2;
    } else if (c == '\\' && (next == '"' || next == '\\' || next == '$' || next == '`')) {
      ++m_pos;
      copy(word, 1);
    } else if (c == '$') {
      read_dollar(word);
    } else if (c == '`') {
      read_backquoted(word);
    } else {
      copy(word, 1);
    }
  }
  ++m_pos;
}

void ShellReader::read_dollar(Word& word) {
  if (m_text.starts(m_pos, "${{")) {
    copy_until(word, "}}"); // GitHub Actions
  } else if (m_text.starts(m_pos, "$((")) {
    const std::size_t start = m_pos;
    m_pos += 3;
    skip_arithmetic();
    const std::size_t end = m_pos;
    m_pos = start;
    copy(word, end - start);
  } else if (m_text.starts(m_pos, "$(")) {
    substitution(word);
  } else if (m_text.starts(m_pos, "${")) {
    read_braces(word);
  } else if (m_text.starts(m_pos, "$'")) {
    word.quoted = true;
    m_pos += 2;
    while (m_pos < m_text.size() && m_text[m_pos] != '\'') {
      m_pos += m_text[m_pos] == '\\' ? 1 : 0;
      copy(word, 1);
    }
    ++m_pos;
  } else {
    copy(word, 1);
  }
}

/// `${name:-...}`, in which quotes and substitutions may stand.
void ShellReader::read_braces(Word& word) {
  copy(word, 2);
  int open = 1;
  while (m_pos < m_text.size() && open > 0) {
    const char c = m_text[m_pos];
    if (c == '\\') {
      copy(word, 2);
    } else if (m_text.starts(m_pos, "${")) {
      copy(word, 2);
      ++open;
    } else if (m_text.starts(m_pos, "$(") && !m_text.starts(m_pos, "$((")) {
      substitution(word);
    } else {
      open += c == '}' ? -1 : 0;
      copy(word, 1);
    }
  }
}

/// `name=(...)`.
void ShellReader::read_array(Word& word) {
  ++m_pos;
  while (m_pos < m_text.size()) {
    skip_blanks();
    const char c = m_text[m_pos];
    if (c == '#') {
      skip_comment();
    } else if (c == ')') {
      ++m_pos;
      return;
    } else if (c == '\n' || at_word_end()) {
      ++m_pos;
    } else {
      word.elements.push_back(read_word());
    }
  }
}

/// `$(...)`, `<(...)` and `(...)`: a script of its own, whose text stays in the word.
void ShellReader::substitution(Word& word) {
  const std::size_t start = m_pos;
  m_pos = std::min(m_text.chars().find('(', m_pos), m_text.size()) + 1;
  if (may_nest() && m_reading.spend(cost_of(m_variables))) {
    ++m_nesting;
    const Variables saved = m_variables;
    auto conditions = std::exchange(m_conditions, {});
    read_list(Until::parenthesis);
    m_conditions = std::move(conditions);
    m_variables = saved;
    --m_nesting;
  }
  for (std::size_t i = start; i < std::min(m_pos, m_text.size()); ++i) {
    word.text.push(m_text[i], m_text.begin_of(i));
  }
}

void ShellReader::read_backquoted(Word& word) {
  const std::size_t start = m_pos;
  for (++m_pos; m_pos < m_text.size() && m_text[m_pos] != '`'; ++m_pos) {
    m_pos += m_text[m_pos] == '\\' ? 1 : 0;
  }
  if (!m_words_only) {
    Variables inner = m_variables;
    read_shell(m_text.sub(start + 1, m_pos), inner, m_reading, m_depth + 1);
  }
  m_pos = std::min(m_pos + 1, m_text.size());
  word.text.append(m_text.sub(start, m_pos));
}

} // namespace snapfix::lint
