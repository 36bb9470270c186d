#pragma once

#include "lint/shell.hpp"

#include <string>
#include <utility>
#include <vector>

namespace snapfix::lint {

/// A here-document whose body begins at the next line.
struct HereDocument {
  std::string delimiter;
  bool quoted = false;
  bool strip_tabs = false;
  bool placed = false;     ///< its command is known
  bool await_pipe = false; ///< the next command of the pipeline is not yet known
  std::vector<Word> command;
  std::vector<Word> piped;
  std::string target; ///< the file that the command's output goes to
};

/// Runs through the text of one script, as far as a linter can: every command once, in order,
/// scopes and conditions minded.
class ShellReader {
public:
  ShellReader(const Text& text, Variables& variables, Reading& reading, int depth)
      : m_text(text), m_variables(variables), m_reading(reading), m_depth(depth) {}

  void read_all();
  /// The words up to the end, operators passed over; nothing in them is run.
  std::vector<Word> read_words();

private:
  enum class Until { end, parenthesis };
  enum class Separator { none, pipe };

  struct Command {
    std::vector<Word> words;
    std::string target;
    std::vector<Word> here_strings;
  };

  void read_list(Until until);
  bool read_operator(Command& command);
  void open_parenthesis(Command& command);
  void read_element(Command& command);
  bool take_keyword(const Word& word);
  void read_test();
  void read_redirection(Command& command);
  bool at_redirection() const;
  void finish(Command& command, Separator separator);
  void run(const Command& command);
  void assign(const Word& word, bool exported);
  void declare(const std::vector<Word>& words);
  void read_exported(const std::string& name);
  void print_into_script(const Command& command);

  Word read_word();
  void read_double_quoted(Word& word);
  void read_dollar(Word& word);
  void read_braces(Word& word);
  void read_array(Word& word);
  void substitution(Word& word);
  void read_backquoted(Word& word);
  bool may_nest() const noexcept;
  void copy(Word& word, std::size_t count);
  void copy_until(Word& word, std::string_view end);
  void skip_blanks();
  void skip_comment();
  void skip_arithmetic();
  bool at_word_end() const;

  void read_here_documents();
  Text read_body(const HereDocument& document);
  void use_body(const HereDocument& document, const Text& body);
  void read_substitutions(const Text& body);

  const Text& m_text;
  Variables& m_variables;
  Reading& m_reading;
  int m_depth;
  std::size_t m_pos = 0;
  bool m_words_only = false;
  int m_nesting = 0;
  std::vector<Variables> m_conditions; ///< what pinned before each open `if`, `while`, ...
  std::vector<Variable> m_groups;      ///< the folder before each open `{`
  std::vector<HereDocument> m_documents;
  Text m_cat_body; ///< of the last `cat <<EOF` that only prints
};

} // namespace snapfix::lint
