#include "lint/shell.hpp"

#include <utility>

namespace snapfix::lint {
namespace {

/// Of what stands within each other in one word.
constexpr int k_deepest = 60;

} // namespace

void ShellReader::copy(Word& word, std::size_t count) {
  for (std::size_t i = 0; i < count && m_pos < m_text.size(); ++i, ++m_pos) {
    word.text.push(m_text[m_pos], m_text.begin_of(m_pos));
  }
}

void ShellReader::copy_until(Word& word, std::string_view end) {
  const std::size_t at = m_text.chars().find(end, m_pos);
  copy(word, std::min(at, m_text.size()) - m_pos + end.size());
}

void ShellReader::skip_blanks() {
  while (is_blank(m_text[m_pos]) || m_text.starts(m_pos, "\\\n")) {
    m_pos += m_text[m_pos] == '\\' ? 2 : 1;
  }
}

void ShellReader::skip_comment() {
  m_pos = std::min(m_text.chars().find('\n', m_pos), m_text.size());
}

bool ShellReader::at_word_end() const {
  return m_pos >= m_text.size() || is_any(m_text[m_pos], " \t\n;&|()<>");
}

Word ShellReader::read_word() {
  Word word;
  bool may_assign = true; // up to its first `=`
  word.begin = m_text.begin_of(m_pos);
  const auto begins_array = [&] {
    return m_text[m_pos] == '(' && word.equals != 0 && word.text.size() == word.equals + 1;
  };
  while (!at_word_end() || begins_array()) {
    const char c = m_text[m_pos];
    if (c == '(') {
      read_array(word);
    } else if (c == '\'' || m_text.starts(m_pos, "$'")) {
      word.quoted = true;
      const bool escapes = c == '$';
      for (m_pos += escapes ? 2 : 1; m_pos < m_text.size() && m_text[m_pos] != '\'';) {
        m_pos += escapes && m_text[m_pos] == '\\' ? 1 : 0;
        copy(word, 1);
      }
      ++m_pos;
    } else if (c == '"') {
      read_double_quoted(word);
    } else if (m_text.starts(m_pos, "{{")) {
      copy_until(word, "}}"); // a template's expression
    } else if (!read_expansion(word)) {
      if (c == '\\') {
        ++m_pos;
        word.quoted = true;
      } else if (c == '=' && std::exchange(may_assign, false) && !word.quoted) {
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

/// What has its meaning in double quotes as well; false if nothing of that stands here.
bool ShellReader::read_expansion(Word& word) {
  if (m_text.starts(m_pos, "\\\n")) {
    m_pos += 2;
  } else if (m_text.starts(m_pos, "${{")) {
    copy_until(word, "}}"); // GitHub Actions
  } else if (m_text.starts(m_pos, "$(")) {
    substitution(word);
  } else if (m_text.starts(m_pos, "${")) {
    read_braces(word);
  } else if (m_text[m_pos] == '`') {
    read_backquoted(word);
  } else {
    return false;
  }
  return true;
}

void ShellReader::read_double_quoted(Word& word) {
  word.quoted = true;
  for (++m_pos; m_pos < m_text.size() && m_text[m_pos] != '"';) {
    if (!read_expansion(word)) {
      m_pos += m_text[m_pos] == '\\' && is_any(m_text[m_pos + 1], "\"\\$`") ? 1 : 0;
      copy(word, 1);
    }
  }
  ++m_pos;
}

/// `${name:-...}`, in which substitutions may stand.
void ShellReader::read_braces(Word& word) {
  copy(word, 2);
  const bool may_nest = ++m_nesting < k_deepest;
  while (m_pos < m_text.size() && m_text[m_pos] != '}') {
    if (!may_nest || !read_expansion(word)) {
      copy(word, m_text[m_pos] == '\\' ? 2 : 1);
    }
  }
  --m_nesting;
  copy(word, 1);
}

/// `name=(...)`.
void ShellReader::read_array(Word& word) {
  const bool may_nest = ++m_nesting < k_deepest;
  for (++m_pos; m_pos < m_text.size() && m_text[m_pos] != ')'; skip_blanks()) {
    if (m_text[m_pos] == '#') {
      skip_comment();
    } else if (at_word_end() || !may_nest) {
      ++m_pos;
    } else {
      word.elements.push_back(read_word());
    }
  }
  ++m_pos;
  --m_nesting;
}

/// `$(...)`, `<(...)` and `(...)`: a script of its own, whose text stays in the word. That may be
/// read as a script in its turn, where this one is passed over.
void ShellReader::substitution(Word& word) {
  const std::size_t start = m_pos;
  m_pos = std::min(m_text.chars().find('(', m_pos), m_text.size()) + 1;
  if (++m_nesting < k_deepest && m_reading.spend(1)) {
    Variables inner(m_variables);
    Variables* outer = std::exchange(m_variables, &inner);
    auto blocks = std::exchange(m_blocks, {});
    auto documents = std::exchange(m_documents, {});
    auto pipeline = std::exchange(m_pipeline, {});
    const bool words_only = m_words_only;
    m_words_only = words_only || !m_reading.is_new(m_text.begin_of(start), "(", inner);
    read_list(Until::parenthesis);
    m_words_only = words_only;
    m_pipeline = std::move(pipeline);
    m_documents = std::move(documents);
    m_blocks = std::move(blocks);
    m_variables = outer;
  }
  --m_nesting;
  word.text.append(m_text.sub(start, m_pos));
}

void ShellReader::read_backquoted(Word& word) {
  const std::size_t start = m_pos;
  for (++m_pos; m_pos < m_text.size() && m_text[m_pos] != '`'; ++m_pos) {
    m_pos += m_text[m_pos] == '\\' ? 1 : 0;
  }
  if (!m_words_only) {
    read_inner_shell(m_text.sub(start + 1, m_pos), *m_variables, m_reading, m_depth + 1);
  }
  m_pos = std::min(m_pos + 1, m_text.size());
  word.text.append(m_text.sub(start, m_pos));
}

} // namespace snapfix::lint
