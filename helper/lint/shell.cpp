#include "lint/shell.hpp"

#include <algorithm>
#include <utility>

namespace snapfix::lint {

void ShellReader::read_all() {
  while (m_pos < m_text.size()) {
    read_list(Until::end);
  }
}

std::vector<Word> ShellReader::read_words() {
  std::vector<Word> words;
  m_words_only = true;
  for (skip_blanks(); m_pos < m_text.size(); skip_blanks()) {
    if (at_word_end()) {
      ++m_pos;
    } else {
      words.push_back(read_word());
    }
  }
  return words;
}

void ShellReader::read_list(Until until) {
  Command command;
  while (m_pos < m_text.size()) {
    skip_blanks();
    const char c = m_text[m_pos];
    if (c == '#') {
      skip_comment();
    } else if (c == ')' && until == Until::parenthesis) {
      ++m_pos;
      break;
    } else if (at_redirection()) {
      read_redirection(command);
    } else if (!read_operator(command)) {
      read_element(command);
    }
  }
  finish(command);
}

/// Reads what separates commands; false if a word stands here.
bool ShellReader::read_operator(Command& command) {
  const char c = m_text[m_pos];
  const char next = m_text[m_pos + 1];
  switch (c) {
  case '\n':
    ++m_pos;
    finish(command);
    read_here_documents();
    return true;
  case '|':
    m_pos += next == '|' || next == '&' ? 2 : 1;
    finish(command, next == '|' ? Separator::other : Separator::pipe);
    return true;
  case '(':
    open_parenthesis(command);
    return true;
  case ';':
  case '&':
  case ')':
    finish(command);
    if (c == ';' && (next == ';' || next == '&') && !m_blocks.empty()) { // ends an item of a case
      set_pins(*m_variables, m_blocks.back());
    }
    ++m_pos;
    return true;
  default:
    return m_pos >= m_text.size();
  }
}

void ShellReader::open_parenthesis(Command& command) {
  const std::size_t inside = m_text.chars().find_first_not_of(" \t", m_pos + 1);
  if (!command.words.empty() && m_text[inside] == ')') { // a function's definition
    m_pos = inside + 1;
    command.words.clear();
    return;
  }
  Word scratch;
  substitution(scratch);
}

void ShellReader::read_element(Command& command) {
  const std::size_t before = m_pos;
  Word word = read_word();
  if (m_pos == before) {
    ++m_pos; // nothing that a word can begin with
  } else if (command.words.size() == 1 && command.words[0].chars() == "function") {
    command.words.clear();
  } else if (!command.words.empty() || word.quoted || !take_keyword(word)) {
    command.words.push_back(std::move(word));
  }
}

/// Keywords stand before commands. What a block exports holds only within it.
bool ShellReader::take_keyword(const Word& word) {
  const std::string& name = word.chars();
  if (is_in(" if while until for select case { ", name)) {
    m_blocks.push_back(pins_of(*m_variables));
  } else if (is_in(" elif else fi done esac } ", name) && !m_blocks.empty()) {
    set_pins(*m_variables, m_blocks.back());
    if (!is_in(" elif else ", name)) {
      m_blocks.pop_back();
    }
  }
  if (name == "case") { // the `)` behind a pattern ends what is no command
    for (skip_blanks(); !at_word_end() && read_word().chars() != "in";) {
      skip_blanks();
    }
  }
  return is_in(" if then elif else fi do done time while until case esac ! { } ", name);
}

bool ShellReader::at_redirection() const {
  const std::size_t i = m_text.chars().find_first_not_of("0123456789", m_pos);
  return m_text[i] == '<' || m_text[i] == '>' || m_text.starts(m_pos, "&>");
}

void ShellReader::read_redirection(Command& command) {
  m_pos = m_text.chars().find_first_of("<>", m_pos);
  if (m_text[m_pos + 1] == '(') {
    Word scratch;
    substitution(scratch);
    return;
  }
  const std::size_t begin = m_pos;
  m_pos = std::min(m_text.chars().find_first_not_of("<>&|", m_pos), m_text.size());
  m_pos -= m_text[m_pos] == '(' ? 1 : 0; // `< <(...)` without the blank
  const std::string sign = m_text.chars().substr(begin, m_pos - begin);
  const bool strip = sign == "<<" && m_text[m_pos] == '-';
  m_pos += strip ? 1 : 0;
  skip_blanks();
  if (at_word_end()) {
    return;
  }
  Word word = read_word();
  constexpr std::size_t k_most_documents = 16; // of one line
  if (sign == "<<" && m_documents.size() < k_most_documents) {
    m_documents.push_back({std::move(word), strip, {}, {}});
  } else if (is_in(" > >> >| ", sign)) {
    command.target = word.chars();
  }
}

void ShellReader::finish(Command& command, Separator separator) {
  const Command done = std::exchange(command, {});
  if (m_words_only || done.words.empty()) {
    return;
  }
  m_pipeline.insert(m_pipeline.end(), done.words.begin(), done.words.end());
  for (HereDocument& document : m_documents) {
    if (document.words.empty()) {
      document.target = done.target.empty() ? document.target : done.target;
      document.words = separator == Separator::other ? m_pipeline : document.words;
    }
  }
  if (separator == Separator::other) {
    m_pipeline.clear();
  }
  run(done);
}

void read_shell(const Text& script, Variables& variables, Reading& reading, int depth) {
  if (depth <= k_deepest_script && reading.spend(script.size() + 1) &&
      (depth == 0 || reading.is_new(script.begin_of(0), script.chars(), variables))) {
    ShellReader(script, variables, reading, depth).read_all();
  }
}

void read_inner_shell(const Text& script, const Variables& variables, Reading& reading, int depth) {
  Variables inner(&variables);
  read_shell(script, inner, reading, depth);
}

std::vector<Word> words_of(const Text& text) {
  Variables variables;
  Reading reading;
  return ShellReader(text, variables, reading, 0).read_words();
}

} // namespace snapfix::lint
