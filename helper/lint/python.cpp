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
  PythonReader(const Text& text, Variables variables, Reading& reading, int depth)
      : m_tokens(python_tokens(text)), m_variables(std::move(variables)), m_reading(reading),
        m_depth(depth) {}

  void read() {
    find_brackets();
    for (std::size_t i = 0; i < m_tokens.size() && m_reading.left != 0; ++i) {
      const PythonToken& token = m_tokens[i];
      if (token.kind == PythonToken::Kind::string) {
        if (is_lasting(i)) {
          take_variable(i);
        }
        if (is_program(i)) {
          read_program(i);
        } else if (is_uv_word(i) || is_shell_word(i)) {
          read_list(i);
        } else if (token.text.size() > 5 && reads_as_command(token.text)) {
          const Use use = use_of(i);
          if (use != Use::none && !is_docstring(i)) {
            m_reading.may_fix = use == Use::certain;
            Variables inner = environment(i);
            read_shell(token.text, inner, m_reading, m_depth + 1);
            m_reading.may_fix = true;
          }
        }
      }
    }
  }

private:
  bool is_op(std::size_t i, std::string_view what) const {
    return i < m_tokens.size() && m_tokens[i].kind != PythonToken::Kind::string &&
           m_tokens[i].text.chars() == what;
  }

  /// The first word of a list, or the only one, which others may follow elsewhere.
  bool is_uv_word(std::size_t i) const {
    return base_name(m_tokens[i].text.chars()) == "uv" &&
           (is_op(i + 1, ",") || (is_op(i + 1, "]") && i > 0 && is_op(i - 1, "[")));
  }
  /// `command="uv"` and `"command": "uv"`, with the arguments elsewhere.
  bool is_program(std::size_t i) const {
    return base_name(m_tokens[i].text.chars()) == "uv" && i > 1 &&
           (is_op(i - 1, "=") || is_op(i - 1, ":")) && bracket_of(i) < m_tokens.size() &&
           names_command(lower(m_tokens[i - 2].text.chars()));
  }
  bool is_shell_word(std::size_t i) const {
    return is_shell(base_name(m_tokens[i].text.chars())) && is_op(i + 1, ",");
  }

  bool is_docstring(std::size_t i) const {
    const bool begins = i == 0 || is_op(i - 1, "\n") || is_op(i - 1, ":");
    const bool ends = i + 1 >= m_tokens.size() || is_op(i + 1, "\n");
    return begins && ends;
  }

  /// `"UV_FROZEN": "1"`, `["UV_FROZEN"] = "1"`, `setdefault("UV_FROZEN", "1")` and `UV_FROZEN="1"`
  /// hold from there on; in the arguments of a call, for the whole call.
  void take_variable(std::size_t i) {
    std::size_t name = i;
    for (std::size_t back = 0; back < 4 && name > 0; ++back) {
      --name;
      const std::string& chars = m_tokens[name].text.chars();
      if (chars.starts_with("UV_")) {
        m_variables[chars] = {m_tokens[i].text, {}, true, {}};
        return;
      }
      if (!is_any(chars, {":", "]", "=", ",", ")"})) {
        return;
      }
    }
  }

  /// Whether what is set here is more than an argument of one call.
  bool is_lasting(std::size_t i) const {
    for (std::size_t open = bracket_of(i); open < m_tokens.size(); open = bracket_of(open)) {
      const std::string call = name_before(open);
      if (m_tokens[open].text.chars() == "(" &&
          !is_any(call, {"", "dict", "setdefault", "update", "setenv", "putenv"})) {
        return false;
      }
    }
    return true;
  }

  Variables environment(std::size_t i) {
    m_reading.spend(cost_of(m_variables));
    const Variables before = m_variables;
    for (std::size_t k = i; k < m_tokens.size() && m_reading.spend(1) && !is_op(k, "\n"); ++k) {
      if (m_tokens[k].kind == PythonToken::Kind::string) {
        take_variable(k);
      } else if (m_tokens[k].text.chars() == "cwd" && is_op(k + 1, "=")) {
        change_folder(m_variables, folder_at(k + 2));
      }
    }
    return std::exchange(m_variables, before);
  }

  /// What `cwd=` is given: a string, or an expression that a shell would write as an expansion.
  std::string folder_at(std::size_t i) const {
    if (i < m_tokens.size() && m_tokens[i].kind == PythonToken::Kind::string) {
      return m_tokens[i].text.chars();
    }
    std::string names;
    for (std::size_t k = i; k < std::min(i + 6, m_tokens.size()) && !is_op(k, ","); ++k) {
      names += "_" + m_tokens[k].text.sub(0, 40).chars();
    }
    return "$(" + names + ")";
  }

  /// The bracket that holds token `i`, m_tokens.size() if none does.
  std::size_t bracket_of(std::size_t i) const { return m_brackets[i]; }

  void find_brackets() {
    std::vector<std::size_t> open;
    for (std::size_t i = 0; i < m_tokens.size(); ++i) {
      const std::string& chars = m_tokens[i].text.chars();
      const bool string = m_tokens[i].kind == PythonToken::Kind::string;
      if (!string && is_any(chars, {")", "]", "}"}) && !open.empty()) {
        open.pop_back();
      }
      m_brackets.push_back(open.empty() ? m_tokens.size() : open.back());
      constexpr std::size_t k_deepest = 100;
      if (!string && is_any(chars, {"(", "[", "{"}) && open.size() < k_deepest) {
        open.push_back(i);
      }
    }
  }

  /// The text of a token in lower case.
  std::string lowered(std::size_t i) const {
    m_reading.spend(m_tokens[i].text.size());
    return lower(m_tokens[i].text.chars());
  }

  std::string name_before(std::size_t i) const {
    return i > 0 && m_tokens[i - 1].kind == PythonToken::Kind::name ? lowered(i - 1)
                                                                    : std::string();
  }

  /// The keyword, variable or key that a value is given to: `x = ...`, `"x": ...`.
  std::string given_to(std::size_t i) const {
    while (i > 0 && is_any(m_tokens[i - 1].text.chars(), {"(", "["}) &&
           name_before(i - 1).empty() && m_reading.spend(1)) {
      --i;
    }
    if (i < 2) {
      return {};
    }
    if (is_op(i - 1, "=") || is_op(i - 1, ":") || is_op(i - 1, "+=")) {
      return lowered(i - 2);
    }
    return {};
  }

  /// What becomes of the string, or the list, that token `at` begins.
  Use use_of(std::size_t at) const {
    // Of keywords and keys on the way out, one that does not say command is enough to doubt.
    std::string given = given_to(at);
    std::size_t outmost = at;
    for (std::size_t open = at; open < m_tokens.size(); open = bracket_of(open)) {
      outmost = open;
      const std::string call = name_before(open);
      const std::string& bracket = m_tokens[open].text.chars();
      if (m_tokens[open].kind == PythonToken::Kind::string) {
        continue;
      }
      if (bracket == "{") {
        return Use::none;
      }
      if (bracket != "(" || call.empty()) {
        given = given.empty() ? given_to(open) : given;
      } else if (!is_in(" split dedent format strip str list tuple ", call)) {
        return use_in_call(open, call, given);
      } // what is done with its result tells
    }
    if (is_op(outmost - std::min<std::size_t>(outmost, 1), "return")) {
      const std::string function = function_around(outmost);
      return names_command(function) || may_start_command(function) ? Use::maybe : Use::none;
    }
    return !given.empty() && is_started(given, at) ? Use::certain
           : names_command(given)                  ? Use::maybe
                                                   : Use::none;
  }

  Use use_in_call(std::size_t open, const std::string& call, const std::string& given) const {
    const bool makes_object = m_tokens[open - 1].text[0] < 'a' && call != "popen";
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
    for (; i > 0 && m_reading.spend(1) && !is_op(i - 1, "\n"); --i) {
      if (m_tokens[i - 1].text.starts(0, "assert")) {
        return true;
      }
    }
    return false;
  }

  std::string function_around(std::size_t i) const {
    while (i > 1 && m_reading.spend(1) && !is_op(i - 2, "def")) {
      --i;
    }
    return i > 1 ? lowered(i - 1) : std::string();
  }

  /// Whether a variable is given to what starts it, elsewhere than at `at`.
  bool is_started(const std::string& name, std::size_t at) const {
    const bool in_function = !function_around(at).empty();
    for (std::size_t k = at; k < m_tokens.size() && m_reading.spend(1); ++k) {
      std::size_t open = bracket_of(k);
      if (in_function && is_op(k, "def")) {
        break;
      }
      if (m_tokens[k].kind != PythonToken::Kind::name || open >= m_tokens.size() ||
          lowered(k) != name) {
        continue;
      }
      if (m_tokens[open].text.chars() == "[") { // [*name, "more"]
        open = bracket_of(open);
      }
      if (open < m_tokens.size() && starts_command(name_before(open))) {
        return true;
      }
    }
    return false;
  }

  /// `args=[...]` or `"args": [...]` beside the program, in the call or dictionary that holds it.
  void read_program(std::size_t i) {
    const std::size_t open = bracket_of(i);
    for (std::size_t k = open + 1; k + 2 < m_tokens.size() && !is_asserted(open); ++k) {
      if (bracket_of(k) < open || bracket_of(k) == m_tokens.size() || !m_reading.spend(1)) {
        return; // behind its end
      }
      if (bracket_of(k) == open && m_tokens[k].text.chars() == "args" &&
          (is_op(k + 1, "=") || is_op(k + 1, ":")) && (is_op(k + 2, "[") || is_op(k + 2, "("))) {
        std::vector<Word> words{word_of(m_tokens[i])};
        take_words(k + 2, words);
        m_reading.may_fix = false;
        read_command(words, environment(i), m_reading, m_depth);
        m_reading.may_fix = true;
        return;
      }
    }
  }

  void read_list(std::size_t i) {
    const std::size_t open = bracket_of(i);
    const Use use = open < m_tokens.size() ? use_of(open) : Use::none;
    if (use == Use::none || !m_lists.insert(open).second) {
      return;
    }
    std::vector<Word> words;
    std::size_t behind = take_words(open, words);
    while (is_op(behind, "+") && is_op(behind + 1, "[")) {
      behind = take_words(behind + 1, words);
    }
    if (open > 1 && is_op(open - 1, "=") && m_tokens[open].text.chars() == "[") {
      take_additions(m_tokens[open - 2].text.chars(), behind, words);
    }
    const bool first = !words.empty() && words[0].begin == m_tokens[i].begin;
    const bool after_prefix =
        !words.empty() && is_any(words[0].chars(), {"env", "sudo", "timeout", "time", "nice",
                                                    "docker", "ssh", "nohup"});
    if (first || after_prefix) {
      m_reading.may_fix = use == Use::certain;
      read_command(words, environment(i), m_reading, m_depth);
      m_reading.may_fix = true;
    }
  }

  /// `name.append(x)`, `name.extend([...])` and `name += [...]`, until it is something else.
  void take_additions(const std::string& name, std::size_t from, std::vector<Word>& words) const {
    for (std::size_t k = from; k + 4 < m_tokens.size() && m_reading.spend(1); ++k) {
      const std::string& chars = m_tokens[k].text.chars();
      const bool is_name = m_tokens[k].kind == PythonToken::Kind::name;
      if (is_name && (chars == "def" || chars == "class")) {
        return;
      }
      if (!is_name || chars != name) {
        continue;
      }
      const std::string& method = m_tokens[k + 2].text.chars();
      if (is_op(k + 1, ".") && is_op(k + 3, "(") && method == "append") {
        take_words(k + 3, words);
      } else if (is_op(k + 1, ".") && is_op(k + 3, "(") && method == "extend" &&
                 is_op(k + 4, "[")) {
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
    bool fresh = true;
    for (; k < m_tokens.size() && depth >= 0 && m_reading.spend(1); ++k) {
      const PythonToken& token = m_tokens[k];
      if (token.kind == PythonToken::Kind::string && depth == 0 && fresh) {
        words.push_back(word_of(token));
        fresh = false;
      } else if (is_any(token.text.chars(), {"(", "[", "{"})) {
        ++depth;
      } else if (is_any(token.text.chars(), {")", "]", "}"})) {
        --depth;
      } else if (depth == 0 && token.text.chars() == ",") {
        fresh = true;
      } else if (depth == 0 && fresh && token.text.chars() != "\n") {
        Word word = word_of(token);
        const bool many = token.text.chars() == "*";
        word.text = Text(many ? "${args}" : "${" + token.text.chars() + "}", token.begin);
        words.push_back(std::move(word));
        fresh = false;
      }
    }
    return k;
  }

  static Word word_of(const PythonToken& token) {
    Word word;
    word.text = token.text;
    word.quoted = token.kind == PythonToken::Kind::string;
    word.begin = token.begin;
    word.end = token.end;
    word.option_before = std::string(", ") + token.quote;
    word.option_after = token.quote;
    return word;
  }

  std::vector<PythonToken> m_tokens;
  std::vector<std::size_t> m_brackets;
  std::set<std::size_t> m_lists; ///< the brackets of those that were read
  Variables m_variables;
  Reading& m_reading;
  int m_depth;
};

/// `#!/usr/bin/env -S uv run`, unless the script brings its requirements.
void read_shebang(const Text& text, const Variables& variables, Reading& reading, int depth) {
  if (text.starts(0, "#!") && !contains(text.chars(), "\n# /// script")) {
    Variables inner = variables;
    read_shell(text.sub(2, text.chars().find('\n')), inner, reading, depth + 1);
  }
}

} // namespace

void read_python(const Text& text, const Variables& variables, Reading& reading, int depth) {
  read_shebang(text, variables, reading, depth);
  if (contains(text.chars(), "uv")) {
    PythonReader(text, variables, reading, depth).read();
  }
}

} // namespace snapfix::lint
