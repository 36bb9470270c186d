#include "lint/shell_reader.hpp"
#include "lint/words.hpp"

#include <algorithm>
#include <deque>
#include <optional>

namespace snapfix::lint {
namespace {

using Words = std::span<const Word>;

std::vector<Word> value_words(const Text& value) {
  std::vector<Word> words = words_of(value);
  for (Word& word : words) {
    word.from_variable = true;
  }
  return words;
}

/// The variables around a command, copied where it changes them.
class Environment {
public:
  Environment(const Variables& outer, Reading& reading) : m_outer(outer), m_reading(reading) {}

  const Variables& get() const { return m_own ? *m_own : m_outer; }
  Variables& own() {
    if (!m_own) {
      m_reading.spend(cost_of(m_outer));
      m_own = m_outer;
    }
    return *m_own;
  }

private:
  const Variables& m_outer;
  Reading& m_reading;
  std::optional<Variables> m_own;
};

/// Runs through one command that is in words.
class CommandReader {
public:
  CommandReader(Reading& reading, int depth) : m_reading(reading), m_depth(depth) {}

  /// `variables` is the environment of this one command. Commands may lead to each other for as
  /// long as the line is, so that nothing here calls itself for the next one.
  void read(Words words, const Variables& variables);

private:
  // These return the words of the command that the one given leads to; none at the end.
  Words read_assignments(Words words, Environment& environment);
  Words read_named(Words words, Environment& environment);
  Words read_uv(Words words, const Variables& variables);
  Words read_prefixed(const Prefix& prefix, Words words, Environment& environment);
  Words read_any(Words words, Environment& environment);
  void read_value(const Word& word, const Variables& variables);
  void read_text(const Text& text, Variables variables);
  /// What the words are once the variable at `at` is replaced by each value that it may have.
  std::vector<Words> expand(Words words, std::size_t at, const Variables& variables);

  Reading& m_reading;
  int m_depth;
  int m_expansions = 0;
  std::deque<std::vector<Word>> m_expanded; ///< what spans of words point into
};

std::vector<Words> CommandReader::expand(Words words, std::size_t at, const Variables& variables) {
  std::vector<Words> out;
  const auto with = [&](const std::vector<Word>& middle) {
    auto& all = m_expanded.emplace_back();
    m_reading.spend(words.size() + middle.size());
    all.insert(all.end(), words.begin(), words.begin() + static_cast<std::ptrdiff_t>(at));
    all.insert(all.end(), middle.begin(), middle.end());
    all.insert(all.end(), words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
    out.emplace_back(all);
  };
  const auto with_value = [&](const Text& value) {
    if (m_reading.spend(value.size())) {
      with(value_words(value));
    }
  };
  const std::string& chars = words[at].chars();
  const auto fallback = chars.find(":-");
  if (chars.starts_with("${") && fallback != std::string::npos && chars.ends_with('}') &&
      is_name(std::string_view(chars).substr(2, fallback - 2)) &&
      variables.count(chars.substr(2, fallback - 2)) == 0) {
    with_value(words[at].text.sub(fallback + 2, chars.size() - 1));
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
    with(elements);
    return out;
  }
  with_value(found->second.value);
  std::ranges::for_each(found->second.others, with_value);
  return out;
}

void CommandReader::read(Words words, const Variables& variables) {
  constexpr int k_most_expansions = 12;
  Environment environment(variables, m_reading);
  while (!words.empty() && m_reading.spend(1)) {
    words = read_assignments(words, environment);
    if (words.empty()) {
      return;
    }
    const auto variants = m_expansions < k_most_expansions ? expand(words, 0, environment.get())
                                                           : std::vector<Words>();
    ++m_expansions;
    if (variants.size() > 1) {
      for (const Words variant : variants) {
        read(variant, environment.get());
      }
      return;
    }
    words = variants.empty() ? read_named(words, environment) : variants[0];
  }
}

Words CommandReader::read_assignments(Words words, Environment& environment) {
  if (words[0].equals == 0) {
    return words;
  }
  const Variables outer = environment.get();
  Variables& variables = environment.own();
  std::size_t first = 0;
  while (first < words.size() && words[first].equals != 0) {
    const Word& word = words[first++];
    const auto value = word.text.sub(word.equals + 1, word.text.size());
    set_exported(variables, word);
    Word alone;
    alone.text = value;
    read_value(alone, outer);
    if (is_script_value(word.chars(), value)) {
      m_reading.in_variable = true; // the command finds it in its environment, to run it
      read_text(value, variables);
      m_reading.in_variable = false;
    }
  }
  return words.subspan(first);
}

Words CommandReader::read_named(Words words, Environment& environment) {
  const std::string_view name = base_name(words[0].chars());
  if (is_uv(words[0])) {
    return read_uv(words, environment.get());
  }
  if (name.starts_with("python") && words.size() > 3 && words[1].chars() == "-m" &&
      words[2].chars() == "uv") {
    return read_uv(words.subspan(2), environment.get());
  }
  if (is_any(name, {"[", "test", "for", "select", "read", "cd", "source", "."})) {
    return {};
  }
  if (name == "command" && words.size() > 1 && is_any(words[1].chars(), {"-v", "-V"})) {
    return {};
  }
  if (const Prefix* prefix = find_prefix(name)) {
    return read_prefixed(*prefix, words, environment);
  }
  if (is_prose_command(name)) {
    return {};
  }
  return read_any(words, environment);
}

Words CommandReader::read_uv(Words words, const Variables& variables) {
  constexpr int k_most_expansions = 24;
  for (std::size_t i = 1; i < std::min(words.size(), k_most_options); ++i) {
    if (words[i].chars() == "--" || m_expansions >= k_most_expansions) {
      break;
    }
    const auto variants = expand(words, i, variables);
    if (variants.size() > 1) {
      ++m_expansions;
      const std::size_t first = m_reading.findings.size();
      const std::size_t pinned = m_reading.pinned;
      for (const Words variant : variants) {
        read(read_uv(variant, variables), variables);
      }
      if (m_reading.pinned != pinned) { // what would pin the others does not go with these
        std::for_each(m_reading.findings.begin() + static_cast<std::ptrdiff_t>(first),
                      m_reading.findings.end(), [](Finding& finding) { finding.insert.clear(); });
      }
      return {};
    }
    if (!variants.empty() && variants[0].size() < 1000) {
      ++m_expansions;
      words = variants[0];
      --i;
    }
  }
  return words.subspan(std::min(judge_uv(words, variables, m_reading), words.size()));
}

Words CommandReader::read_prefixed(const Prefix& prefix, Words words, Environment& environment) {
  std::size_t operands = prefix.operands;
  const bool env = prefix.name == "env";
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& chars = words[i].chars();
    if (chars == "--") {
      return words.subspan(i + 1);
    }
    if (env && (chars == "-S" || chars == "--split-string") && i + 1 < words.size()) {
      auto& split = m_expanded.emplace_back(words_of(words[i + 1].text));
      m_reading.spend(words.size());
      split.insert(split.end(), words.begin() + static_cast<std::ptrdiff_t>(i) + 2, words.end());
      return split;
    }
    if (chars.size() > 1 && chars[0] == '-') {
      if (env && (chars == "-i" || chars == "-" || chars == "--ignore-environment")) {
        environment.own().clear();
      }
      if (env && chars.starts_with("--unset=")) {
        environment.own().erase(chars.substr(8));
      }
      if (env && is_any(chars, {"-C", "--chdir"}) && i + 1 < words.size()) {
        change_folder(environment.own(), words[i + 1].chars());
      }
      if (contains(prefix.valued, " " + chars + " ")) {
        ++i;
        if (env && i < words.size() && (chars == "-u" || chars == "--unset")) {
          environment.own().erase(words[i].chars());
        }
      }
    } else if (words[i].equals == 0 || prefix.name == "xargs") {
      if (operands == 0) {
        return words.subspan(i);
      }
      --operands;
    } else {
      return words.subspan(i); // assignments: read() takes them
    }
  }
  return {};
}

/// An argument `$x` or `"${x}"` whose value is a command line: the command will run it.
void CommandReader::read_value(const Word& word, const Variables& variables) {
  const auto found = variables.find(std::string(expanded_name(word)));
  if (found == variables.end()) {
    return;
  }
  const auto use = [&](const Text& value) {
    if (m_reading.spend(value.size()) && is_script_value(found->first, value)) {
      m_reading.in_variable = true;
      read_text(value, variables);
      m_reading.in_variable = false;
    }
  };
  use(found->second.value);
  std::ranges::for_each(found->second.others, use);
  constexpr int k_most_expansions = 24;
  if (!found->second.elements.empty() && m_expansions++ < k_most_expansions) {
    read(expand({&word, 1}, 0, variables).at(0), variables);
  }
}

void CommandReader::read_text(const Text& text, Variables variables) {
  read_shell(text, variables, m_reading, m_depth + 1);
}

/// Any other command may run what its arguments say: `run_test uv run x`, `docker run image uv
/// sync`, `ssh host "uv run x"`, `srun bash -c "..."`.
Words CommandReader::read_any(Words words, Environment& environment) {
  const std::string_view name = base_name(words[0].chars());
  if (is_any(name, {"ssh", "docker", "podman", "nerdctl", "kubectl"})) {
    for (const char* pin : k_pins) {
      environment.own().erase(pin); // the environment does not get there
    }
  }
  bool shell = is_shell(name);
  const bool runs_words = is_in(" eval trap watch hyperfine alias ", name);
  for (std::size_t i = 1; i < words.size(); ++i) {
    const std::string& chars = words[i].chars();
    const bool is_option = chars.size() > 1 && chars[0] == '-';
    if (is_any(chars, {"-e", "--env"}) && i + 1 < words.size() && words[i + 1].equals != 0) {
      set_exported(environment.own(), words[++i]);
    } else if (words[i].equals != 0 && !is_option && chars.starts_with("UV_")) {
      set_exported(environment.own(), words[i]);
    } else if (shell && is_option && chars[1] != '-' && chars.back() == 'c' &&
               i + 1 < words.size()) {
      read_value(words[i + 1], environment.get());
      read_text(words[i + 1].text, environment.get());
      return {};
    } else if (is_uv(words[i])) {
      if (resolving_subcommand(words.subspan(i)) != 0) {
        return read_uv(words.subspan(i), environment.get());
      }
    } else if (is_any(base_name(chars), {"env", "timeout", "echo", "printf"})) {
      return words.subspan(i);
    } else if ((words[i].quoted || is_option) && chars.find_first_of(" \n") != std::string::npos) {
      // `sbatch --wrap="uv run x"` as well
      const std::size_t begin = is_option ? chars.find('=') + 1 : 0;
      const Text text = words[i].text.sub(begin, chars.size());
      if (runs_words || reads_as_command(text)) {
        read_text(text, environment.get());
      }
    } else {
      read_value(words[i], environment.get());
    }
    shell = shell || is_shell(base_name(chars));
  }
  return {};
}

} // namespace

bool is_script_value(std::string_view name, const Text& value) {
  const std::string low = lower(name.substr(0, name.find('=')));
  const bool named = contains(low, "cmd") || contains(low, "command") || contains(low, "script");
  return reads_as_command(value) || (named && contains(value.chars(), "\n"));
}

bool reads_as_command(const Text& text) {
  if (!contains(text.chars(), "uv")) {
    return false;
  }
  constexpr std::size_t k_most = 4096; // its beginning tells
  const Text trimmed = text.sub(0, k_most).trimmed();
  const auto words = words_of(trimmed);
  const auto first = std::ranges::find(words, std::size_t{0}, &Word::equals);
  if (first == words.end()) {
    return false;
  }
  if (!is_uv(*first)) {
    return trimmed.starts(0, "#!") || begins_script(base_name(first->chars()));
  }
  const Words call(first, words.end());
  const std::size_t subcommand = resolving_subcommand(call);
  // "uv sync failed" is no command line.
  return subcommand != 0 &&
         (subcommand + 1 >= call.size() || !is_of_prose(call[subcommand + 1].chars()));
}

void read_command(std::span<const Word> words, const Variables& variables, Reading& reading,
                  int depth) {
  CommandReader(reading, depth).read(words, variables);
}

} // namespace snapfix::lint
