#include "lint/kind.hpp"
#include "lint/python_tokens.hpp"
#include "lint/shell.hpp"
#include "lint/words.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace snapfix::lint {
namespace {

/// Whether what a string or a list is given to runs it.
enum class Use { none, maybe, certain };

/// Finds command lines in the strings of a Python file.
class PythonReader {
public:
  PythonReader(const Text& text, const Variables& variables, Reading& reading, int depth)
      : m_tokens(python_tokens(text)), m_variables(&variables), m_reading(reading), m_depth(depth) {
  }

  void read() {
    for (std::size_t i = 0; i < m_tokens.size() && m_reading.left != 0; ++i) {
      if (!is_string(i)) {
        continue;
      }
      if (is_lasting(i)) {
        take_variable(i, m_variables);
      }
      const bool uv = base_name(chars(i)) == "uv";
      const bool given = is_op(i - 1, "=") || is_op(i - 1, ":");
      if (uv && given && m_tokens[i].bracket < m_tokens.size() && names_command(lowered(i - 2))) {
        read_program(i);
      } else if (uv && (is_op(i + 1, ",") || (is_op(i + 1, "]") && is_op(i - 1, "[")))) {
        read_list(i);
      } else if (chars(i).size() > 5 && reads_as_command(m_tokens[i].text)) {
        run(use_of(i), i, [&](const Variables& variables) {
          read_inner_shell(m_tokens[i].text, variables, m_reading, m_depth + 1);
        });
      }
    }
  }

private:
  bool is_string(std::size_t i) const {
    return i < m_tokens.size() && m_tokens[i].kind == PythonToken::Kind::string;
  }
  bool is_name(std::size_t i) const {
    return i < m_tokens.size() && m_tokens[i].kind == PythonToken::Kind::name;
  }
  bool is_op(std::size_t i, std::string_view what) const {
    return i < m_tokens.size() && !is_string(i) && chars(i) == what;
  }
  const std::string& chars(std::size_t i) const {
    static const std::string k_none;
    return i < m_tokens.size() ? m_tokens[i].text.chars() : k_none;
  }
  std::string lowered(std::size_t i) const {
    m_reading.spend(chars(i).size());
    return lower(chars(i));
  }
  std::string name_before(std::size_t i) const {
    return is_name(i - 1) ? lowered(i - 1) : std::string();
  }

  /// `"UV_FROZEN": "1"`, `["UV_FROZEN"] = "1"`, `setdefault("UV_FROZEN", "1")` and `UV_FROZEN="1"`
  /// hold from there on; in the arguments of a call, for the whole call.
  void take_variable(std::size_t i, Variables& variables) const {
    for (std::size_t name = i; name > 0 && name + 4 > i; --name) {
      if (chars(name - 1).starts_with("UV_")) {
        variables[chars(name - 1)] = {m_tokens[i].text, true};
        return;
      }
      if (!is_in(" : ] = , ) ", chars(name - 1))) {
        return;
      }
    }
  }

  /// Whether what is set here is more than an argument of one call.
  bool is_lasting(std::size_t i) const {
    for (std::size_t open = m_tokens[i].bracket; open < m_tokens.size();
         open = m_tokens[open].bracket) {
      const std::string call = name_before(open);
      if (is_op(open, "(") && !call.empty() &&
          !is_in(" dict setdefault update setenv putenv ", call)) {
        return false;
      }
    }
    return true;
  }

  /// Reads a command that stands at token `i`, in the environment that its statement gives.
  template<typename Read> void run(Use use, std::size_t i, const Read& read) {
    if (use == Use::none) {
      return;
    }
    Variables variables(&m_variables);
    for (std::size_t k = i; k < m_tokens.size() && m_reading.spend(1) && !is_op(k, "\n"); ++k) {
      if (is_string(k)) {
        take_variable(k, variables);
      } else if (chars(k) == "cwd" && is_op(k + 1, "=")) {
        change_folder(variables, folder_at(k + 2));
      }
    }
    m_reading.may_fix = use == Use::certain;
    read(variables);
    m_reading.may_fix = true;
  }

  /// What `cwd=` is given: a string, or an expression that a shell would write as an expansion.
  std::string folder_at(std::size_t i) const {
    if (is_string(i)) {
      return chars(i);
    }
    std::string names;
    for (std::size_t k = i; k < i + 6 && !is_op(k, ","); ++k) {
      names.append("_").append(chars(k), 0, 40);
    }
    return "$(" + names + ")";
  }

  /// The keyword, variable or key that a value is given to: `x = ...`, `"x": ...`.
  std::string given_to(std::size_t i) const {
    while (i > 0 && is_in(" ( [ ", chars(i - 1)) && name_before(i - 1).empty() &&
           m_reading.spend(1)) {
      --i;
    }
    return is_op(i - 1, "=") || is_op(i - 1, ":") || is_op(i - 1, "+=") ? lowered(i - 2) : "";
  }

  /// What becomes of the string, or the list, that token `at` begins.
  Use use_of(std::size_t at) const {
    // Of keywords and keys on the way out, one that does not say command is enough to doubt.
    std::string given = given_to(at);
    for (std::size_t open = at; open < m_tokens.size(); open = m_tokens[open].bracket) {
      const std::string call = name_before(open);
      if (is_op(open, "{")) {
        return Use::none;
      }
      if (is_op(open, "(") && !call.empty()) {
        if (!is_in(" split dedent format strip str list tuple ", call)) {
          return use_in_call(open, call, given);
        } // what is done with its result tells
      } else if (given.empty() && !is_string(open)) {
        given = given_to(open);
      }
    }
    return !given.empty() && is_started(given, at) ? Use::certain
           : names_command(given)                  ? Use::maybe
                                                   : Use::none;
  }

  Use use_in_call(std::size_t open, const std::string& call, const std::string& given) const {
    const bool makes_object = chars(open - 1)[0] < 'a' && call != "popen";
    const bool named = given.empty() || names_command(given) || given == "args";
    if (!named || makes_object || (call == "call" && is_asserted(open))) {
      return Use::none;
    }
    return starts_command(call)                        ? Use::certain
           : may_start_command(call) || !given.empty() ? Use::maybe
                                                       : Use::none;
  }

  /// Whether the statement compares what it holds, as with the calls that a mock has seen.
  bool is_asserted(std::size_t i) const {
    while (i > 0 && m_reading.spend(1) && !is_op(i - 1, "\n") &&
           !(is_name(i - 1) && chars(i - 1).starts_with("assert"))) {
      --i;
    }
    return is_name(i - 1);
  }

  bool is_in_function(std::size_t i) const {
    while (i > 0 && m_reading.spend(1) && !is_op(i - 1, "def")) {
      --i;
    }
    return i > 0;
  }

  /// Whether a variable is given to what starts it, elsewhere than at `at`.
  bool is_started(const std::string& name, std::size_t at) const {
    const bool in_function = is_in_function(at);
    for (std::size_t k = at; k < m_tokens.size() && m_reading.spend(1); ++k) {
      if (in_function && is_op(k, "def")) {
        return false;
      }
      std::size_t open = m_tokens[k].bracket;
      if (open < m_tokens.size() && is_name(k) && lowered(k) == name) {
        open = is_op(open, "[") ? m_tokens[open].bracket : open; // [*name, "more"]
        if (open < m_tokens.size() && starts_command(name_before(open))) {
          return true;
        }
      }
    }
    return false;
  }

  /// `command="uv", args=[...]`, or a dictionary's keys of that kind.
  void read_program(std::size_t i) {
    const std::size_t open = m_tokens[i].bracket;
    for (std::size_t k = open + 1; k < m_tokens.size() && m_reading.spend(1); ++k) {
      if (m_tokens[k].bracket < open || m_tokens[k].bracket == m_tokens.size()) {
        return; // behind its end
      }
      if (m_tokens[k].bracket == open && chars(k) == "args" &&
          (is_op(k + 2, "[") || is_op(k + 2, "("))) {
        std::vector<Word> words{word_of(m_tokens[i])};
        take_words(k + 2, words);
        run_words(is_asserted(open) ? Use::none : Use::maybe, i, words);
        return;
      }
    }
  }

  void run_words(Use use, std::size_t i, const std::vector<Word>& words) {
    run(use, i,
        [&](const Variables& variables) { read_command(words, variables, m_reading, m_depth); });
  }

  void read_list(std::size_t i) {
    const std::size_t open = m_tokens[i].bracket;
    const Use use = open < m_tokens.size() ? use_of(open) : Use::none;
    if (use == Use::none || !m_lists.insert(open).second) {
      return;
    }
    std::vector<Word> words;
    std::size_t behind = take_words(open, words);
    while (is_op(behind, "+") && is_op(behind + 1, "[")) {
      behind = take_words(behind + 1, words);
    }
    if (is_op(open - 1, "=") && is_op(open, "[")) {
      take_additions(chars(open - 2), behind, words);
    }
    if (!words.empty() && (words[0].begin == m_tokens[i].begin || is_prefix(words[0].chars()) ||
                           is_in(" docker ssh ", words[0].chars()))) {
      run_words(use, i, words);
    }
  }

  /// `name.append(x)`, `name.extend([...])` and `name += [...]`, until it is something else.
  void take_additions(const std::string& name, std::size_t from, std::vector<Word>& words) const {
    for (std::size_t k = from; k < m_tokens.size() && m_reading.spend(1); ++k) {
      if (!is_op(k, name)) {
        continue;
      }
      const bool call = is_op(k + 1, ".") && is_op(k + 3, "(");
      if (call && chars(k + 2) == "append") {
        take_words(k + 3, words);
      } else if (call && chars(k + 2) == "extend" && is_op(k + 4, "[")) {
        take_words(k + 4, words);
      } else if (is_op(k + 1, "+=") && is_op(k + 2, "[")) {
        take_words(k + 2, words);
      } else if (is_op(k + 1, "=") && is_op(k - 1, "\n")) {
        return;
      }
    }
  }

  /// Adds the items of the list that token `open` begins; the place behind the list.
  std::size_t take_words(std::size_t open, std::vector<Word>& words) const {
    std::size_t k = open + 1;
    int depth = 0;
    bool fresh = true; // the first token of an item
    for (; k < m_tokens.size() && depth >= 0 && m_reading.spend(1); ++k) {
      if (!is_string(k) && is_in(" ( [ { ", chars(k))) {
        ++depth;
      } else if (!is_string(k) && is_in(" ) ] } ", chars(k))) {
        --depth;
      } else if (depth == 0 && is_op(k, ",")) {
        fresh = true;
      } else if (depth == 0 && fresh) {
        words.push_back(word_of(m_tokens[k]));
        fresh = false;
      }
    }
    return k;
  }

  static Word word_of(const PythonToken& token) {
    Word word;
    word.quoted = token.kind == PythonToken::Kind::string;
    const std::string& name = token.text.chars();
    word.text =
        word.quoted ? token.text : Text(name == "*" ? "${args}" : "${" + name + "}", token.begin);
    word.begin = token.begin;
    word.end = token.end;
    word.option_before = std::string(", ") + token.quote;
    word.option_after = token.quote;
    return word;
  }

  std::vector<PythonToken> m_tokens;
  std::set<std::size_t> m_lists; ///< the brackets of those that were read
  Variables m_variables;
  Reading& m_reading;
  int m_depth;
};

} // namespace

void read_python(const Text& text, const Variables& variables, Reading& reading, int depth) {
  // `#!/usr/bin/env -S uv run`, unless the script brings its requirements.
  if (text.starts(0, "#!") && !contains(text.chars(), "\n# /// script")) {
    read_inner_shell(text.sub(2, text.chars().find('\n')), variables, reading, depth + 1);
  }
  if (contains(text.chars(), "uv")) {
    PythonReader(text, variables, reading, depth).read();
  }
}

} // namespace snapfix::lint
