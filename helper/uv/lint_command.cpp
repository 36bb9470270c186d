#include "uv/lint_programs.hpp"
#include "uv/lint_shell_reader.hpp"

#include <algorithm>

namespace snapfix::uv {
namespace {

std::vector<Word> value_words(const Text& value) {
  std::vector<Word> words = words_of(value);
  for (Word& word : words) {
    word.from_variable = true;
  }
  return words;
}

/// Runs through one command that is in words.
class CommandReader {
public:
  CommandReader(Reading& reading, int depth) : m_reading(reading), m_depth(depth) {}

  /// `variables` is the environment of this one command.
  void read(std::vector<Word> words, Variables variables);

private:
  void read_named(std::vector<Word> words, Variables& variables);
  void read_uv(std::vector<Word> words, const Variables& variables);
  std::size_t behind_prefix(const Prefix& prefix, std::vector<Word>& words, Variables& variables);
  void read_any(const std::vector<Word>& words, Variables variables);
  bool read_script_argument(const std::vector<Word>& words, const Variables& variables);
  void read_value(const Word& word, const Variables& variables);
  void read_text(const Text& text, Variables variables);
  /// What the words are once the variable at `at` is replaced by each value that it may have.
  static std::vector<std::vector<Word>> expand(const std::vector<Word>& words, std::size_t at,
                                               const Variables& variables);

  Reading& m_reading;
  int m_depth;
  int m_expansions = 0;
};

std::vector<std::vector<Word>> CommandReader::expand(const std::vector<Word>& words, std::size_t at,
                                                     const Variables& variables) {
  std::vector<std::vector<Word>> out;
  const auto with = [&](std::vector<Word> middle) {
    std::vector<Word> all(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(at));
    all.insert(all.end(), middle.begin(), middle.end());
    all.insert(all.end(), words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
    out.push_back(std::move(all));
  };
  const std::string& chars = words[at].chars();
  const auto fallback = chars.find(":-");
  if (chars.starts_with("${") && fallback != std::string::npos && chars.ends_with('}') &&
      is_name(std::string_view(chars).substr(2, fallback - 2)) &&
      variables.count(chars.substr(2, fallback - 2)) == 0) {
    with(value_words(words[at].text.sub(fallback + 2, chars.size() - 1)));
    return out;
  }
  // `${{ matrix.options }}` of a workflow, and `$options` of a shell.
  const bool workflow = chars.starts_with("${{") && chars.ends_with("}}");
  const auto name = workflow ? trim(std::string_view(chars).substr(3, chars.size() - 5))
                             : expanded_name(words[at]);
  const auto found = name.empty() ? variables.end() : variables.find(std::string(name));
  if (found == variables.end()) {
    return out;
  }
  if (!found->second.elements.empty()) {
    auto elements = found->second.elements;
    for (Word& word : elements) {
      word.from_variable = true;
    }
    with(std::move(elements));
    return out;
  }
  with(value_words(found->second.value));
  for (const Text& other : found->second.others) {
    with(value_words(other));
  }
  return out;
}

void CommandReader::read(std::vector<Word> words, Variables variables) {
  std::size_t first = 0;
  const Variables outer = words.empty() || words[0].equals == 0 ? Variables() : variables;
  while (first < words.size() && words[first].equals != 0) {
    const Word& word = words[first++];
    const auto value = word.text.sub(word.equals + 1, word.text.size());
    variables[word.chars().substr(0, word.equals)] = {value, {}, true, {}};
    Word alone;
    alone.text = value;
    read_value(alone, outer);
    if (is_script_value(word.chars(), value)) {
      m_reading.in_variable = true; // the command finds it in its environment, to run it
      read_text(value, variables);
      m_reading.in_variable = false;
    }
  }
  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(first));
  if (words.empty()) {
    return;
  }
  constexpr int k_most_expansions = 12;
  const auto variants = m_expansions < k_most_expansions ? expand(words, 0, variables)
                                                         : std::vector<std::vector<Word>>();
  ++m_expansions;
  if (variants.empty()) {
    read_named(std::move(words), variables);
  }
  for (const auto& variant : variants) {
    read(variant, variables);
  }
}

void CommandReader::read_named(std::vector<Word> words, Variables& variables) {
  const std::string name(base_name(words[0].chars()));
  if (is_uv(words[0])) {
    read_uv(std::move(words), variables);
    return;
  }
  if (name.starts_with("python") && words.size() > 3 && words[1].chars() == "-m" &&
      words[2].chars() == "uv") {
    words.erase(words.begin(), words.begin() + 2);
    read_uv(std::move(words), variables);
    return;
  }
  if (is_any(name, {"[", "test", "for", "select", "read", "cd", "source", "."})) {
    return;
  }
  if (name == "command" && words.size() > 1 && is_any(words[1].chars(), {"-v", "-V"})) {
    return;
  }
  if (const Prefix* prefix = find_prefix(name)) {
    const std::size_t rest = behind_prefix(*prefix, words, variables);
    if (rest < words.size()) {
      read({words.begin() + static_cast<std::ptrdiff_t>(rest), words.end()}, variables);
    }
    return;
  }
  if (!read_script_argument(words, variables) && !is_prose_command(name)) {
    read_any(words, variables);
  }
}

void CommandReader::read_uv(std::vector<Word> words, const Variables& variables) {
  constexpr int k_most_expansions = 24;
  for (std::size_t i = 1; i < words.size() && m_expansions < k_most_expansions; ++i) {
    if (words[i].chars() == "--") {
      break;
    }
    auto variants = expand(words, i, variables);
    if (variants.size() > 1) {
      ++m_expansions;
      const std::size_t first = m_reading.findings.size();
      const std::size_t pinned = m_reading.pinned;
      for (auto& variant : variants) {
        read_uv(std::move(variant), variables);
      }
      if (m_reading.pinned != pinned) { // what would pin the others does not go with these
        std::for_each(m_reading.findings.begin() + static_cast<std::ptrdiff_t>(first),
                      m_reading.findings.end(), [](Finding& finding) { finding.insert.clear(); });
      }
      return;
    }
    if (!variants.empty() && variants[0].size() < 1000) {
      ++m_expansions;
      words = std::move(variants[0]);
      --i;
    }
  }
  const std::size_t command = judge_uv(words, variables, m_reading);
  if (command < words.size()) {
    read({words.begin() + static_cast<std::ptrdiff_t>(command), words.end()}, variables);
  }
}

std::size_t CommandReader::behind_prefix(const Prefix& prefix, std::vector<Word>& words,
                                         Variables& variables) {
  std::size_t operands = prefix.operands;
  const bool env = prefix.name == "env";
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string chars = words[i].chars();
    if (chars == "--") {
      return i + 1;
    }
    if (env && (chars == "-S" || chars == "--split-string") && i + 1 < words.size()) {
      auto split = words_of(words[i + 1].text);
      split.insert(split.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 2, words.end());
      words = std::move(split);
      return 0;
    }
    if (chars.size() > 1 && chars[0] == '-') {
      if (env && (chars == "-i" || chars == "-" || chars == "--ignore-environment")) {
        variables.clear();
      }
      if (env && chars.starts_with("--unset=")) {
        variables.erase(chars.substr(8));
      }
      if (contains(prefix.valued, " " + chars + " ")) {
        ++i;
        if (env && i < words.size() && (chars == "-u" || chars == "--unset")) {
          variables.erase(words[i].chars());
        }
      }
    } else if (words[i].equals == 0 || prefix.name == "xargs") {
      if (operands == 0) {
        return i;
      }
      --operands;
    } else {
      return i; // assignments: read() takes them
    }
  }
  return words.size();
}

/// `bash -c '...'`, `eval ...`, `alias x='...'` and the like: true if there was a script.
bool CommandReader::read_script_argument(const std::vector<Word>& words,
                                         const Variables& variables) {
  const std::string_view name = base_name(words[0].chars());
  if (name == "eval" || name == "trap" || name == "watch" || name == "hyperfine") {
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (words[i].chars().find(' ') != std::string::npos) {
        read_text(words[i].text, variables);
      } else {
        read_value(words[i], variables);
      }
    }
    return name == "trap";
  }
  if (name == "alias") {
    for (const Word& word : words) {
      if (word.equals != 0) {
        read_text(word.text.sub(word.equals + 1, word.text.size()), variables);
      }
    }
    return true;
  }
  return false;
}

/// An argument `$x` or `"${x}"` whose value is a command line: the command will run it.
void CommandReader::read_value(const Word& word, const Variables& variables) {
  const auto found = variables.find(std::string(expanded_name(word)));
  if (found == variables.end()) {
    return;
  }
  const auto use = [&](const Text& value) {
    if (is_script_value(found->first, value)) {
      m_reading.in_variable = true;
      read_text(value, variables);
      m_reading.in_variable = false;
    }
  };
  use(found->second.value);
  std::ranges::for_each(found->second.others, use);
  if (!found->second.elements.empty()) {
    read(expand({word}, 0, variables).at(0), variables);
  }
}

void CommandReader::read_text(const Text& text, Variables variables) {
  read_shell(text, variables, m_reading, m_depth + 1);
}

/// Any other command may run what its arguments say: `run_test uv run x`, `docker run image uv
/// sync`, `ssh host "uv run x"`, `srun bash -c "..."`.
void CommandReader::read_any(const std::vector<Word>& words, Variables variables) {
  const std::string_view name = base_name(words[0].chars());
  if (is_any(name, {"ssh", "docker", "podman", "nerdctl", "kubectl"})) {
    for (const char* pin : {"UV_LOCKED", "UV_FROZEN", "UV_NO_SYNC", "UV_NO_PROJECT"}) {
      variables.erase(pin); // the environment does not get there
    }
  }
  bool shell = is_shell(name);
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& chars = words[i].chars();
    const bool is_option = chars.size() > 1 && chars[0] == '-';
    if (is_any(chars, {"-e", "--env"}) && i + 1 < words.size() && words[i + 1].equals != 0) {
      const Word& set = words[++i];
      variables[set.chars().substr(0, set.equals)] = {
          set.text.sub(set.equals + 1, set.text.size()), {}, true, {}};
    } else if (words[i].equals != 0 && !is_option && chars.starts_with("UV_")) {
      variables[chars.substr(0, words[i].equals)] = {
          words[i].text.sub(words[i].equals + 1, chars.size()), {}, true, {}};
    } else if (shell && is_option && chars[1] != '-' && chars.back() == 'c' &&
               i + 1 < words.size()) {
      read_value(words[i + 1], variables);
      read_text(words[i + 1].text, variables);
      return;
    } else if (is_uv(words[i])) {
      const std::vector<Word> rest(words.begin() + static_cast<std::ptrdiff_t>(i), words.end());
      if (resolving_subcommand(rest) != 0) {
        read_uv(rest, variables);
        return;
      }
    } else if (is_any(base_name(chars), {"env", "timeout", "echo", "printf"})) {
      read({words.begin() + static_cast<std::ptrdiff_t>(i), words.end()}, variables);
      return;
    } else if ((words[i].quoted || is_option) && chars.find_first_of(" \n") != std::string::npos) {
      // `sbatch --wrap="uv run x"` as well
      const std::size_t begin = is_option ? chars.find('=') + 1 : 0;
      const Text text = words[i].text.sub(begin, chars.size());
      if (reads_as_command(text)) {
        read_text(text, variables);
      }
    } else {
      read_value(words[i], variables);
    }
    shell = shell || is_shell(base_name(chars));
  }
}

} // namespace

void read_command(std::span<const Word> words, const Variables& variables, Reading& reading,
                  int depth) {
  CommandReader(reading, depth).read({words.begin(), words.end()}, variables);
}

} // namespace snapfix::uv
