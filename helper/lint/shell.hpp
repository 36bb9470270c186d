#pragma once

#include "lint/call.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace snapfix::lint {

/// Scripts are read in scripts no deeper than that.
constexpr int k_deepest_script = 8;

/// Reads a shell script in `variables`, which are afterwards what the script leaves. `depth`
/// counts scripts within scripts.
void read_shell(const Text& script, Variables& variables, Reading& reading, int depth = 0);

/// As a shell of its own, which leaves nothing.
void read_inner_shell(const Text& script, const Variables& variables, Reading& reading, int depth);

/// Reads one command that is already in words, as a list in another language holds it.
void read_command(std::span<const Word> words, const Variables& variables, Reading& reading,
                  int depth = 0);

/// The words of a text without operators of the shell, as the expansion of a variable gives.
std::vector<Word> words_of(const Text& text);

/// The name in `$name`, `${name}` or `"${name[@]}"`, if a word is nothing but that.
std::string expanded_name(std::string_view chars);

/// Whether a text that may as well be prose begins as a command line does that leads to uv.
bool reads_as_command(const Text& text);

/// Whether a variable of that name and value is there to be run by whom it is exported to.
bool is_script_value(std::string_view name, const Text& value);

/// Runs through the text of one script, as far as a linter can: every command once, in order,
/// scopes and conditions minded.
class ShellReader {
public:
  ShellReader(const Text& text, Variables& variables, Reading& reading, int depth)
      : m_text(text), m_variables(&variables), m_reading(reading), m_depth(depth) {}

  void read_all();
  /// The words up to the end, operators passed over; nothing in them is run.
  std::vector<Word> read_words();

private:
  /// `<<EOF`, whose body begins at the next line.
  struct HereDocument {
    Word delimiter;
    bool strip_tabs = false;
    std::vector<Word> words; ///< of the pipeline that it stands in
    std::string target;      ///< the file that the pipeline's output goes to
  };
  struct Command {
    std::vector<Word> words;
    std::string target;
  };
  enum class Until { end, parenthesis };
  enum class Separator { other, pipe };

  // shell.cpp: commands and what stands between them
  void read_list(Until until);
  bool read_operator(Command& command);
  void open_parenthesis(Command& command);
  void read_element(Command& command);
  bool take_keyword(const Word& word);
  bool at_redirection() const;
  void read_redirection(Command& command);
  void finish(Command& command, Separator separator = Separator::other);

  // shell_word.cpp
  Word read_word();
  bool read_expansion(Word& word);
  void read_double_quoted(Word& word);
  void read_braces(Word& word);
  void read_array(Word& word);
  void substitution(Word& word);
  void read_backquoted(Word& word);
  void copy(Word& word, std::size_t count);
  void copy_until(Word& word, std::string_view end);
  void skip_blanks();
  void skip_comment();
  bool at_word_end() const;

  // statement.cpp: what commands do to the variables, and what they write
  void run(const Command& command);
  void assign(const Word& word, bool exported);
  void declare(const std::vector<Word>& words);
  void read_here_documents();
  Text read_body(const HereDocument& document);
  void use_body(const HereDocument& document, const Text& body);

  const Text& m_text;
  Variables* m_variables;
  Reading& m_reading;
  int m_depth;
  std::size_t m_pos = 0;
  bool m_words_only = false;
  int m_nesting = 0;
  std::vector<Pins> m_blocks; ///< what pinned before each open `if`, `while`, `{`, ...
  std::vector<HereDocument> m_documents;
  std::vector<Word> m_pipeline; ///< the words of its commands so far
};

} // namespace snapfix::lint
