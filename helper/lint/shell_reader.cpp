#include "lint/shell_reader.hpp"

#include "lint/words.hpp"

#include <algorithm>
#include <utility>

namespace snapfix::lint {
namespace {

constexpr std::string_view k_keywords =
    " if then elif else fi do done time while until case esac ! { } ";

Variables pins_of(const Variables& variables) {
  Variables out;
  for (const char* name : k_pins) {
    if (const auto found = variables.find(name); found != variables.end()) {
      out.insert(*found);
    }
  }
  return out;
}

void restore_pins(Variables& variables, const Variables& before) {
  for (const char* name : k_pins) {
    variables.erase(name);
  }
  variables.insert(before.begin(), before.end());
}

} // namespace

void ShellReader::read_all() {
  while (m_pos < m_text.size()) {
    read_list(Until::end);
  }
}

std::vector<Word> ShellReader::read_words() {
  std::vector<Word> words;
  m_words_only = true;
  while (m_pos < m_text.size()) {
    skip_blanks();
    if (m_pos >= m_text.size()) {
      break;
    }
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
      finish(command, Separator::none);
      return;
    } else if (at_redirection()) {
      read_redirection(command);
    } else if (!read_operator(command)) {
      read_element(command);
    }
  }
  finish(command, Separator::none);
}

/// Reads what separates commands; false if a word stands here.
bool ShellReader::read_operator(Command& command) {
  switch (m_text[m_pos]) {
  case '\n':
    ++m_pos;
    finish(command, Separator::none);
    read_here_documents();
    return true;
  case ';':
  case '&':
    finish(command, Separator::none);
    if (m_text[m_pos] == ';' && (m_text[m_pos + 1] == ';' || m_text[m_pos + 1] == '&') &&
        !m_conditions.empty()) { // the end of a case's item
      restore_pins(m_variables, m_conditions.back());
    }
    ++m_pos;
    return true;
  case '|':
    if (m_text[m_pos + 1] == '|') {
      m_pos += 2;
      finish(command, Separator::none);
    } else {
      m_pos += m_text[m_pos + 1] == '&' ? 2 : 1;
      finish(command, Separator::pipe);
    }
    return true;
  case '(':
    open_parenthesis(command);
    return true;
  case ')':
    ++m_pos;
    finish(command, Separator::none);
    return true;
  default:
    return m_pos >= m_text.size();
  }
}

void ShellReader::open_parenthesis(Command& command) {
  const bool for_loop = command.words.size() == 1 && command.words[0].chars() == "for";
  if (m_text.starts(m_pos, "((") && (command.words.empty() || for_loop)) {
    m_pos += 2;
    skip_arithmetic();
    return;
  }
  ++m_pos;
  if (!command.words.empty()) {
    std::size_t close = m_pos;
    while (is_blank(m_text[close])) {
      ++close;
    }
    if (m_text[close] == ')') { // a function's definition
      m_pos = close + 1;
      command.words.clear();
      return;
    }
  }
  Word scratch;
  --m_pos;
  substitution(scratch);
}

void ShellReader::read_element(Command& command) {
  const std::size_t before = m_pos;
  Word word = read_word();
  if (m_pos == before) {
    ++m_pos; // nothing that a word can begin with
    return;
  }
  if (command.words.empty() && !word.quoted && take_keyword(word)) {
    return;
  }
  if (command.words.empty() && word.chars() == "[[" && !word.quoted) {
    read_test();
    return;
  }
  const bool function = command.words.size() == 1 && command.words[0].chars() == "function";
  if (function) {
    command.words.clear();
    return;
  }
  command.words.push_back(std::move(word));
}

/// Keywords stand before commands. What a condition exports holds only within it.
bool ShellReader::take_keyword(const Word& word) {
  const std::string& name = word.chars();
  if (name == "for" || name == "select") {
    m_conditions.push_back(pins_of(m_variables));
    return false;
  }
  if (!is_in(k_keywords, name)) {
    return false;
  }
  if (name == "if" || name == "while" || name == "until") {
    m_conditions.push_back(pins_of(m_variables));
  } else if ((name == "elif" || name == "else") && !m_conditions.empty()) {
    restore_pins(m_variables, m_conditions.back());
  } else if (is_any(name, {"fi", "done", "esac"}) && !m_conditions.empty()) {
    restore_pins(m_variables, m_conditions.back());
    m_conditions.pop_back();
  } else if (name == "{") {
    m_groups.push_back(m_variables["PWD"]);
  } else if (name == "}" && !m_groups.empty()) { // of a function, most likely
    m_variables["PWD"] = m_groups.back();
    m_groups.pop_back();
  } else if (name == "case") { // the `)` behind a pattern ends what is no command
    m_conditions.push_back(pins_of(m_variables));
    for (skip_blanks(); !at_word_end() && read_word().chars() != "in";) {
      skip_blanks();
    }
  }
  return true;
}

/// `[[ ... ]]`, in which operators separate nothing.
void ShellReader::read_test() {
  while (m_pos < m_text.size()) {
    skip_blanks();
    if (m_text.starts(m_pos, "]]")) {
      m_pos += 2;
      return;
    }
    if (at_word_end()) {
      ++m_pos;
    } else {
      read_word();
    }
  }
}

bool ShellReader::at_redirection() const {
  std::size_t i = m_pos;
  while (m_text[i] >= '0' && m_text[i] <= '9') {
    ++i;
  }
  return m_text[i] == '<' || m_text[i] == '>' || m_text.starts(m_pos, "&>");
}

void ShellReader::read_redirection(Command& command) {
  while (m_text[m_pos] == '&' || (m_text[m_pos] >= '0' && m_text[m_pos] <= '9')) {
    ++m_pos;
  }
  if (m_text.starts(m_pos, "<(") || m_text.starts(m_pos, ">(")) {
    Word scratch;
    substitution(scratch);
    return;
  }
  std::string sign;
  while (m_text[m_pos] == '<' || m_text[m_pos] == '>' || m_text[m_pos] == '&' ||
         (m_text[m_pos] == '|' && !sign.empty())) {
    sign.push_back(m_text[m_pos++]);
    if (m_text.starts(m_pos, "<(") || m_text.starts(m_pos, ">(")) {
      break;
    }
  }
  const bool strip = sign == "<<" && m_text[m_pos] == '-';
  m_pos += strip ? 1 : 0;
  skip_blanks();
  if (at_word_end()) {
    return;
  }
  Word word = read_word();
  constexpr std::size_t k_most_documents = 16; // of one line
  if (sign == "<<" && m_documents.size() < k_most_documents) {
    HereDocument document;
    document.delimiter = word.chars();
    document.quoted = word.quoted;
    document.strip_tabs = strip;
    m_documents.push_back(std::move(document));
  } else if (sign == "<<<") {
    command.here_strings.push_back(std::move(word));
  } else if (sign.starts_with('>') && sign.find('&') == std::string::npos) {
    command.target = word.chars();
  }
}

void ShellReader::finish(Command& command, Separator separator) {
  if (command.words.empty()) {
    command = {};
    return;
  }
  for (HereDocument& document : m_documents) {
    if (!document.placed) {
      document.placed = true;
      document.command = command.words;
      document.target = command.target;
      document.await_pipe = separator == Separator::pipe;
    } else if (document.await_pipe) {
      document.piped = command.words;
      if (!command.target.empty()) {
        document.target = command.target;
      }
      document.await_pipe = separator == Separator::pipe;
    }
  }
  const Command done = std::move(command);
  command = {};
  if (!m_words_only) {
    run(done);
  }
}

void read_shell(const Text& script, Variables& variables, Reading& reading, int depth) {
  constexpr int k_deepest_script = 8;
  if (depth <= k_deepest_script && reading.spend(script.size() + cost_of(variables))) {
    ShellReader(script, variables, reading, depth).read_all();
  }
}

std::vector<Word> words_of(const Text& text) {
  Variables variables;
  Reading reading;
  return ShellReader(text, variables, reading, 0).read_words();
}

} // namespace snapfix::lint
