#include "lint/shell.hpp"
#include "lint/words.hpp"

#include <algorithm>
#include <deque>

namespace snapfix::lint {
namespace {

using Words = std::span<const Word>;

/// Runs through one command that is in words.
class CommandReader {
public:
  CommandReader(Reading& reading, int depth) : m_reading(reading), m_depth(depth) {}

  /// Commands may lead to each other for as long as the line is, so that nothing here calls itself
  /// for the next one.
  void read(Words words, const Variables& outer) {
    Variables variables(&outer);
    while (m_reading.spend(1)) {
      words = read_assignments(words, variables);
      if (words.empty()) {
        return;
      }
      const auto variants = expand(words, 0, variables);
      if (variants.size() > 1) {
        for (const Words variant : variants) {
          read(variant, variables);
        }
        return;
      }
      words = variants.empty() ? read_named(words, variables) : variants[0];
    }
  }

private:
  /// What the words are once the variable at `at` is replaced by each value that it may have.
  std::vector<Words> expand(Words words, std::size_t at, const Variables& variables) {
    constexpr std::size_t k_most_names = 24;
    const std::string& chars = words[at].chars();
    if (!chars.starts_with('$') || m_names.size() >= k_most_names || m_names.count(chars) != 0) {
      return {};
    }
    std::vector<std::vector<Word>> values;
    const auto fallback = chars.find(":-"); // ${name:-value}
    // `${{ matrix.options }}` of a workflow, and `$options` of a shell.
    const bool workflow = chars.starts_with("${{") && chars.ends_with("}}");
    const auto name =
        workflow ? std::string(trim(chars.substr(3, chars.size() - 5))) : expanded_name(chars);
    const Variable* variable = variables.find(name);
    if (chars.starts_with("${") && fallback != std::string::npos && chars.ends_with('}')) {
      values.push_back(words_of(words[at].text.sub(fallback + 2, chars.size() - 1)));
    } else if (variable != nullptr && !variable->elements.empty()) {
      values.push_back(variable->elements);
    } else if (variable != nullptr && m_reading.spend(variable->value.size())) {
      values.push_back(words_of(variable->value));
      std::ranges::transform(variable->others, std::back_inserter(values), words_of);
    }
    std::vector<Words> out;
    for (auto& value : values) {
      for (Word& word : value) {
        word.from_variable = true;
      }
      m_reading.spend(words.size() + value.size());
      value.insert(value.begin(), words.begin(), words.begin() + static_cast<std::ptrdiff_t>(at));
      value.insert(value.end(), words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
      out.emplace_back(m_expanded.emplace_back(std::move(value)));
    }
    if (!out.empty()) {
      m_names.insert(chars);
    }
    return out;
  }

  // These return the words of the command that the one given leads to; none at the end.

  Words read_assignments(Words words, Variables& variables) {
    std::size_t first = 0;
    for (; first < words.size() && words[first].equals != 0; ++first) {
      const Word& word = words[first];
      Word value;
      value.text = word.value();
      read_value(value, variables);
      variables.set_exported(word);
      // The command finds it in its environment, to run it.
      read_script_value(word.name(), value.text, variables);
    }
    return words.subspan(first);
  }

  Words read_named(Words words, Variables& variables) {
    const std::string_view name = base_name(words[0].chars());
    if (is_uv(words[0])) {
      return read_uv(words, variables);
    }
    const bool asks = name == "command" && words.size() > 1 && is_in(" -v -V ", words[1].chars());
    if (asks || is_prose_command(name)) {
      return {};
    }
    return is_prefix(name) ? read_prefix(words, variables) : read_any(words, variables);
  }

  Words read_uv(Words words, const Variables& variables) {
    for (std::size_t i = 1; i < std::min(words.size(), k_most_options); ++i) {
      if (words[i].chars() == "--") {
        break;
      }
      const auto variants = expand(words, i, variables);
      if (variants.size() > 1) {
        const std::size_t first = m_reading.findings.size();
        const std::size_t pinned = m_reading.pinned;
        for (const Words variant : variants) {
          read(read_uv(variant, variables), variables);
        }
        // What would pin the others does not go with those that are pinned.
        for (std::size_t k = first; k < m_reading.findings.size() && m_reading.pinned != pinned;
             ++k) {
          m_reading.findings[k].insert.clear();
        }
        return {};
      }
      if (!variants.empty()) {
        words = variants[0];
        --i;
      }
    }
    return words.subspan(std::min(judge_uv(words, variables, m_reading), words.size()));
  }

  /// `sudo -u me env -u X A=1 timeout 5 uv run x`: of the options only those of env count, and a
  /// value of the others that is taken for the command leads on to it.
  Words read_prefix(Words words, Variables& variables) {
    const bool env = base_name(words[0].chars()) == "env";
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string& chars = words[i].chars();
      if (chars == "--") {
        return words.subspan(i + 1);
      }
      if (!is_any(chars[0], "-0123456789")) {
        return words.subspan(i);
      }
      if (env && is_in(" -u --unset ", chars) && i + 1 < words.size()) {
        variables.erase(words[++i].chars());
      } else if (env && is_in(" -C --chdir ", chars) && i + 1 < words.size()) {
        change_folder(variables, words[++i].chars());
      }
    }
    return {};
  }

  void read_script_value(const std::string& name, const Text& value, const Variables& variables) {
    if (m_reading.spend(value.size()) && is_script_value(name, value)) {
      read_inner_shell(value, variables, m_reading, m_depth + 1);
    }
  }

  /// An argument `$x` or `"${x}"` whose value is a command line: the command will run it.
  void read_value(const Word& word, const Variables& variables) {
    const std::string name = expanded_name(word.chars());
    if (const Variable* variable = variables.find(name)) {
      read_script_value(name, variable->value, variables);
    }
  }

  /// Any other command may run what its arguments say: `run_test uv run x`, `docker run image uv
  /// sync`, `ssh host "uv run x"`, `srun bash -c "..."`.
  Words read_any(Words words, Variables& variables) {
    const std::string_view name = base_name(words[0].chars());
    bool shell = is_shell(name);
    const bool runs_words = is_in(" eval trap watch hyperfine alias ", name);
    for (std::size_t i = 1; i < words.size(); ++i) {
      const std::string& chars = words[i].chars();
      const bool is_option = chars.size() > 1 && chars[0] == '-';
      if (words[i].equals != 0 && chars.starts_with("UV_")) { // docker run -e UV_FROZEN=1
        variables.set_exported(words[i]);
      } else if (shell && is_option && chars[1] != '-' && chars.back() == 'c' &&
                 i + 1 < words.size()) {
        read_value(words[i + 1], variables);
        read_inner_shell(words[i + 1].text, variables, m_reading, m_depth + 1);
        return {};
      } else if (is_uv(words[i]) && resolving_subcommand(words.subspan(i)) != 0) {
        return read_uv(words.subspan(i), variables);
      } else if ((words[i].quoted || is_option) &&
                 chars.find_first_of(" \n") != std::string::npos) {
        // `sbatch --wrap="uv run x"` as well
        const Text text = words[i].text.sub(is_option ? chars.find('=') + 1 : 0, chars.size());
        if (runs_words || reads_as_command(text)) {
          read_inner_shell(text, variables, m_reading, m_depth + 1);
        }
      } else {
        read_value(words[i], variables);
      }
      shell = shell || is_shell(base_name(chars));
    }
    return {};
  }

  Reading& m_reading;
  int m_depth;
  std::set<std::string> m_names;            ///< of the variables that were replaced, each once
  std::deque<std::vector<Word>> m_expanded; ///< what spans of words point into
};

} // namespace

bool is_script_value(std::string_view name, const Text& value) {
  const std::string low = lower(name);
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
