#include "lint/kind.hpp"
#include "lint/shell.hpp"
#include "lint/words.hpp"
#include "lint/yaml_file.hpp"

#include <algorithm>
#include <string_view>

namespace snapfix::lint {
namespace {

bool is_environment(std::string_view key) {
  return is_in(" env environment variables env_variables environment_variables ", key);
}

/// Finds the commands of a parsed file, with the environment that covers each.
class YamlReader {
public:
  YamlReader(const Text& text, Reading& reading, int depth)
      : m_text(text), m_file(parse_yaml(text, reading)), m_reading(reading), m_depth(depth) {}

  void read(const Variables& variables) {
    for (const std::size_t document : m_file.documents) {
      Variables own(&variables);
      read_value(document, "", own);
    }
  }

  bool is_word_list() const {
    return m_file.documents.size() == 1 && node(m_file.documents[0]).flow;
  }

private:
  const YamlNode& node(std::size_t i) const { return m_file.nodes[i]; }

  const YamlNode* member(const YamlNode& map, std::string_view key) const {
    const auto found =
        std::ranges::find(map.members, key, [](const auto& each) { return each.first; });
    return found == map.members.end() ? nullptr : &node(found->second);
  }

  /// `variables` are those of a shell that the values of a list may share.
  void read_value(std::size_t at, const std::string& key, Variables& variables) {
    constexpr int k_deepest = 100; // a node may hold itself
    constexpr std::size_t k_cost_of_node = 32;
    if (m_nesting >= k_deepest || !m_reading.spend(k_cost_of_node)) {
      return;
    }
    ++m_nesting;
    switch (node(at).kind) {
    case YamlNode::Kind::scalar:
      read_scalar(node(at), key, variables);
      break;
    case YamlNode::Kind::list:
      read_list(node(at), key, variables);
      break;
    case YamlNode::Kind::map:
      read_map(node(at), variables);
      break;
    }
    --m_nesting;
  }

  void read_map(const YamlNode& map, const Variables& variables) {
    Variables own(&variables);
    for (const auto& [key, value] : map.members) {
      const YamlNode* settings = key == "container"    ? member(node(value), "env") // of a job
                                 : is_environment(key) ? &node(value)
                                                       : nullptr;
      const YamlNode* run = key == "defaults" ? member(node(value), "run") : nullptr;
      const YamlNode* matrix = key == "strategy" ? member(node(value), "matrix") : nullptr;
      if (settings != nullptr) {
        take_environment(*settings, own);
      } else if (run != nullptr) {
        take_folder(*run, own);
      } else if (matrix != nullptr) {
        take_matrix(*matrix, own);
      }
    }
    take_folder(map, own);
    const YamlNode* shell = member(map, "shell");
    const bool is_python = shell != nullptr && shell->text.starts(0, "python");
    const bool split = read_with_arguments(map, own);
    for (const auto& [key, value] : map.members) {
      const bool read = split && is_in(" entry entrypoint command args ", key);
      if (is_python && role_of(key) == Role::command) {
        read_python(node(value).text, own, m_reading, m_depth + 1);
      } else if (!read && !is_environment(key)) {
        Variables inner(&own);
        read_value(value, key, inner);
      }
    }
  }

  void take_folder(const YamlNode& map, Variables& variables) {
    if (const YamlNode* folder = member(map, "working-directory")) {
      variables.erase("PWD"); // it counts from the top
      change_folder(variables, folder->text.chars());
    }
  }

  /// `{UV_FROZEN: 1}`, or `- UV_FROZEN=1`.
  void take_environment(const YamlNode& settings, Variables& variables) {
    for (const auto& [key, value] : settings.members) {
      const Text& text = node(value).text;
      const std::size_t equals = text.chars().find('=');
      if (!m_reading.spend(1)) {
        return;
      }
      if (!key.empty()) {
        variables[key] = {text, true};
      } else if (equals != std::string::npos) {
        variables[text.chars().substr(0, equals)] = {text.sub(equals + 1, text.size()), true};
      }
    }
  }

  /// `strategy: {matrix: {options: [--frozen, --locked]}}` is `matrix.options` in the job's steps,
  /// with one value or another.
  void take_matrix(const YamlNode& matrix, Variables& variables) {
    for (const auto& [key, values] : matrix.members) {
      const std::string name = key == "include" ? "matrix" : "matrix." + key;
      for (const auto& [none, value] : node(values).members) {
        take_matrix_value(name, node(value), variables);
        for (const auto& [part, inner] : node(value).members) {
          take_matrix_value(name + "." + part, node(inner), variables);
        }
      }
    }
  }

  void take_matrix_value(const std::string& name, const YamlNode& value, Variables& variables) {
    constexpr std::size_t k_most_values = 32;
    if (value.kind == YamlNode::Kind::scalar && m_reading.spend(1)) {
      Variable& variable = variables[name];
      if (variable.value.empty()) {
        variable.value = value.text;
      } else if (variable.others.size() < k_most_values) {
        variable.others.push_back(value.text);
      }
    }
  }

  /// `entry: uv` beside `args: [run, x]`: one command in two keys.
  bool read_with_arguments(const YamlNode& map, const Variables& variables) {
    for (const char* key : {"entry", "command", "entrypoint"}) {
      const YamlNode* program = member(map, key);
      const YamlNode* arguments = member(map, "args");
      if (arguments == nullptr && std::string_view(key) == "entrypoint") {
        arguments = member(map, "command");
      }
      auto words = program != nullptr ? words_of_value(*program) : std::vector<Word>();
      if (arguments != nullptr && !words.empty() && is_uv(words[0])) {
        const auto more = words_of_value(*arguments);
        words.insert(words.end(), more.begin(), more.end());
        read_command(words, variables, m_reading, m_depth);
        return true;
      }
    }
    return false;
  }

  std::vector<Word> words_of_value(const YamlNode& value) const {
    return value.kind == YamlNode::Kind::list ? item_words(value) : words_of(value.text);
  }

  std::vector<Word> item_words(const YamlNode& list) const {
    std::vector<Word> words;
    for (const auto& [none, at] : list.members) {
      const YamlNode& item = node(at);
      if (item.kind != YamlNode::Kind::scalar || !m_reading.spend(1)) {
        break;
      }
      Word& word = words.emplace_back();
      word.text = item.text;
      word.begin = m_text.begin_of(item.begin);
      word.end = m_text.end_of(item.end);
      const char quote = m_text[item.begin];
      word.quoted = quote == '"' || quote == '\'';
      if (list.flow) {
        word.option_after = word.quoted ? std::string(1, quote) : "";
        word.option_before = ", " + word.option_after;
      } else { // an item of its own, below
        const std::size_t line = m_text.chars().rfind('\n', item.begin) + 1;
        word.option_before.assign("\n").append(m_text.chars(), line, item.begin - line);
      }
    }
    return words;
  }

  void read_list(const YamlNode& list, const std::string& key, Variables& variables) {
    const Role role = role_of(key);
    const auto words = item_words(list);
    const auto is_program = [](const Word& word) {
      return is_uv(word) || is_shell(base_name(word.chars()));
    };
    const bool is_command = words.size() > 1 && words.size() == list.members.size() &&
                            role != Role::prose &&
                            (list.flow ? std::ranges::any_of(words, is_program)
                                       : is_program(words[0]) || words[0].chars() == "env");
    if (is_command) {
      read_command(words, variables, m_reading, m_depth);
      return;
    }
    const bool one_shell = contains(lower(key), "script"); // as GitLab's
    for (const auto& [none, item] : list.members) {
      Variables own(&variables);
      read_value(item, key, one_shell ? variables : own);
      // What a step wrote into $GITHUB_ENV holds for the job's steps that follow.
      for (auto& [name, variable] : m_reading.later) {
        variables[name] = variable;
      }
      m_reading.later.clear();
    }
  }

  void read_scalar(const YamlNode& scalar, const std::string& key, Variables& variables) {
    const Text& text = scalar.text;
    const Role role = key == "args" && scalar.block ? Role::command : role_of(key);
    if (role == Role::prose) {
      return;
    }
    const Kind by_text = kind_of_shebang(text.chars());
    const Kind kind = by_text != Kind::none ? by_text : kind_of_name(key);
    if (kind == Kind::shell || kind == Kind::python || by_text != Kind::none) {
      read_language(kind, text, variables, m_reading, m_depth + 1);
    } else if (role == Role::command || (!scalar.block && reads_as_command(text))) {
      read_shell(text, variables, m_reading, m_depth + 1);
    }
  }

  const Text& m_text;
  YamlFile m_file;
  Reading& m_reading;
  int m_depth;
  int m_nesting = 0;
};

} // namespace

void read_yaml(const Text& text, const Variables& variables, Reading& reading, int depth) {
  if (contains(text.chars(), "uv")) {
    YamlReader(text, reading, depth).read(variables);
  }
}

bool read_word_list(const Text& text, const Variables& variables, Reading& reading, int depth) {
  YamlReader reader(text, reading, depth);
  if (reader.is_word_list()) {
    reader.read(variables);
  }
  return reader.is_word_list();
}

} // namespace snapfix::lint
