#include "lint/yaml.hpp"

#include "lint/kind.hpp"
#include "lint/shell.hpp"
#include "os/format.hpp"

#include <algorithm>
#include <initializer_list>
#include <map>
#include <set>

namespace snapfix::lint {
namespace {

bool is_environment(std::string_view key) {
  return is_any(key, {"env", "environment", "variables", "env_variables", "environment_variables"});
}

enum class Role { command, prose, other };

Role role_of(std::string_view key) {
  const std::string low = lower(key);
  if (contains(low, "description") || low == "desc" || contains(low, "prompt") ||
      is_any(low, {"name", "title", "help", "message", "summary", "if", "comment", "body", "text",
                   "label", "id", "uses", "key", "path"})) {
    return Role::prose;
  }
  if (contains(low, "command") || contains(low, "script") || low.ends_with("cmd") ||
      is_any(low, {"run", "cmds", "entry", "entrypoint", "bash", "pwsh", "sh", "install", "test",
                   "build", "pre_install", "post_install", "pre_build", "post_build",
                   "before_install", "exec"})) {
    return Role::command;
  }
  return Role::other;
}

/// Finds the commands of a parsed file, with the environment that covers each.
class YamlReader {
public:
  YamlReader(const YamlFile& file, const Variables& variables, Reading& reading, int depth)
      : m_file(file), m_variables(variables), m_reading(reading), m_depth(depth) {}

  void read() {
    for (std::size_t i = 0; i < m_file.scalars.size(); ++i) {
      const YamlScalar& scalar = m_file.scalars[i];
      take_environment(scalar);
      take_matrix(scalar);
      m_scalars_of[m_file.key_of(scalar.node)].push_back(i);
    }
    for (std::size_t i = 1; i < m_file.nodes.size(); ++i) {
      read_with_arguments(i);
    }
    for (std::size_t i = 0; i < m_file.scalars.size() && m_reading.left != 0; ++i) {
      const YamlScalar& scalar = m_file.scalars[i];
      if (!is_setting(scalar) && m_read.count(m_file.key_of(scalar.node)) == 0 &&
          !read_item_words(i)) {
        read_scalar(scalar);
      }
    }
  }

private:
  const YamlNode& node(std::size_t i) const { return m_file.nodes[i]; }

  /// What an `env:` stands in: a step, a job, the file; `container:` has one for its job.
  std::size_t owner_of(std::size_t environment) const {
    const std::size_t owner = node(environment).parent;
    return node(owner).key == "container" ? node(owner).parent : owner;
  }

  /// The `env:` that the scalar belongs to, 0 if it is no setting.
  std::size_t environment_of(const YamlScalar& scalar) const {
    const std::size_t key = m_file.key_of(scalar.node);
    if (is_environment(node(key).key)) {
      return key;
    }
    const std::size_t above = m_file.key_of(node(key).parent);
    return key != 0 && is_environment(node(above).key) ? above : 0;
  }

  bool is_setting(const YamlScalar& scalar) const { return environment_of(scalar) != 0; }

  void take_environment(const YamlScalar& scalar) {
    const std::size_t key = m_file.key_of(scalar.node);
    if (node(key).key == "shell") {
      m_shells[node(key).parent] = scalar.text.chars();
    }
    const std::size_t environment = environment_of(scalar);
    if (environment == 0) {
      return;
    }
    Variables& variables = m_of_node[owner_of(environment)];
    if (key != environment) {
      variables[node(key).key] = {scalar.text, {}, true, {}};
      return;
    }
    // `- UV_FROZEN=1`, or `{UV_FROZEN: 1}`
    Text flat;
    for (std::size_t i = 0; i < scalar.text.size(); ++i) {
      const char c = scalar.text[i];
      const bool punctuation =
          is_any(std::string_view(&c, 1), {"{", "}", ",", "[", "]", "\"", "'"});
      if (c == ':' && is_blank(scalar.text[i + 1])) {
        flat.push('=', scalar.text.begin_of(i));
        ++i;
      } else {
        flat.push(punctuation ? ' ' : c, scalar.text.begin_of(i));
      }
    }
    for (const Word& word : words_of(flat)) {
      if (word.equals != 0) {
        variables[word.chars().substr(0, word.equals)] = {
            word.text.sub(word.equals + 1, word.text.size()), {}, true, {}};
      }
    }
  }

  /// `strategy: {matrix: {options: [--frozen, --locked]}}` is `matrix.options` in the job's steps,
  /// with one value or another.
  void take_matrix(const YamlScalar& scalar) {
    std::string name;
    std::size_t at = scalar.node;
    for (; at != 0 && node(at).key != "matrix"; at = node(at).parent) {
      if (!node(at).key.empty() && node(at).key != "include") {
        name.insert(0, "." + node(at).key);
      }
    }
    if (at == 0 || name.empty()) {
      return;
    }
    constexpr std::size_t k_most_values = 32;
    Variable& variable = m_of_node[node(node(at).parent).parent]["matrix" + name];
    std::vector<Text> values{scalar.text};
    if (scalar.style == YamlStyle::flow) {
      values.clear();
      for (const Word& word : list_words(scalar.text)) {
        values.push_back(word.text);
      }
    }
    for (Text& value : values) {
      if (variable.others.size() > k_most_values) {
        break;
      }
      (variable.value.empty() ? variable.value : variable.others.emplace_back()) = std::move(value);
    }
  }

  /// The words of a key's value: one line of them, or a list.
  std::vector<Word> words_of_key(std::size_t key) const {
    std::vector<Word> out;
    const auto found = m_scalars_of.find(key);
    if (found == m_scalars_of.end()) {
      return out;
    }
    for (const std::size_t i : found->second) {
      const YamlScalar& scalar = m_file.scalars[i];
      std::vector<Word> words;
      if (scalar.style == YamlStyle::flow) {
        words = list_words(scalar.text);
      } else if (scalar.node != key) {
        words = {item_word(scalar)};
      } else if (scalar.style == YamlStyle::plain) {
        words = words_of(scalar.text);
      }
      out.insert(out.end(), words.begin(), words.end());
    }
    return out;
  }

  /// `entry: uv` beside `args: [run, x]`: one command in two keys.
  void read_with_arguments(std::size_t key) {
    const std::string& name = node(key).key;
    const bool entrypoint = name == "entrypoint";
    if (!entrypoint && name != "entry" && name != "command") {
      return;
    }
    auto words = words_of_key(key);
    if (words.empty() || !is_uv(words[0]) || !m_reading.spend(m_file.nodes.size())) {
      return;
    }
    for (std::size_t other = 1; other < m_file.nodes.size(); ++other) {
      const std::string& arguments = node(other).key;
      if (node(other).parent == node(key).parent &&
          (arguments == "args" || (entrypoint && arguments == "command"))) {
        const auto more = words_of_key(other);
        m_reading.spend(more.size());
        words.insert(words.end(), more.begin(), more.end());
        m_read.insert({key, other});
        read_command(words, environment_at(key), m_reading, m_depth);
        return;
      }
    }
  }

  Word item_word(const YamlScalar& scalar) const {
    Word word;
    word.text = scalar.text;
    word.begin = scalar.text.begin_of(0);
    word.end = scalar.text.end_of(scalar.text.size());
    word.option_before = os::format("\n{:{}}- ", "", node(scalar.node).indent);
    return word;
  }

  Variables environment_at(std::size_t at) const {
    std::vector<std::size_t> path{at};
    while (at != 0) {
      at = node(at).parent;
      path.push_back(at);
    }
    Variables out = m_variables;
    std::ranges::reverse(path);
    for (const std::size_t above : path) {
      for (const auto* of_node : {&m_of_node, &m_later}) {
        const auto found = of_node->find(above);
        if (found != of_node->end()) {
          m_reading.spend(cost_of(found->second));
          for (const auto& [name, variable] : found->second) {
            out[name] = variable;
          }
        }
      }
    }
    return out;
  }

  /// A list `- uv` `- run` `- x` as the words of one command; true also for its other items.
  bool read_item_words(std::size_t i) {
    const std::size_t item = m_file.scalars[i].node;
    if (item == 0 || !node(item).key.empty()) {
      return false;
    }
    const std::size_t list = node(item).parent;
    if (const auto known = m_word_lists.find(list); known != m_word_lists.end()) {
      return known->second;
    }
    const std::string_view first = base_name(m_file.scalars[i].text.chars());
    if (first != "uv" && first != "env" && !is_shell(first)) {
      return false;
    }
    std::vector<Word> words;
    for (std::size_t k = i; k < m_file.scalars.size(); ++k) {
      const YamlScalar& scalar = m_file.scalars[k];
      if (node(scalar.node).parent != list || !node(scalar.node).key.empty()) {
        break;
      }
      words.push_back(item_word(scalar));
    }
    const bool is_words = words.size() > 1 && role_of(node(m_file.key_of(list)).key) != Role::prose;
    m_word_lists[list] = is_words;
    if (is_words) {
      read_command(words, environment_at(item), m_reading, m_depth);
    }
    return is_words;
  }

  void read_scalar(const YamlScalar& scalar) {
    const std::size_t key = m_file.key_of(scalar.node);
    const std::string& name = node(key).key;
    const bool script_argument = name == "args" && scalar.style == YamlStyle::block;
    const Role role = script_argument ? Role::command : role_of(name);
    const bool names_uv =
        contains(scalar.text.chars(), "uv") || contains(scalar.text.chars(), "UV_");
    if (role == Role::prose || !names_uv) {
      return;
    }
    Variables variables = environment_at(scalar.node);
    if (scalar.style == YamlStyle::flow) {
      read_word_list(scalar.text, variables, m_reading, m_depth);
      return;
    }
    const Kind by_text = kind_of_shebang(scalar.text.chars());
    const Kind by_key = kind_of_name(name);
    if (by_text != Kind::none) {
      read_language(by_text, scalar.text, variables, m_reading, m_depth + 1);
    } else if (by_key == Kind::shell || by_key == Kind::python) {
      read_language(by_key, scalar.text, variables, m_reading, m_depth + 1);
    } else if (role == Role::command && shell_of(key).starts_with("python")) {
      read_python(scalar.text, variables, m_reading, m_depth + 1);
    } else if (role == Role::command ||
               (scalar.style == YamlStyle::plain && reads_as_command(scalar.text))) {
      read_shell(scalar.text, variables, m_reading, m_depth + 1);
      keep_for_later_steps(scalar.node);
    }
  }

  std::string shell_of(std::size_t key) const {
    const auto found = m_shells.find(node(key).parent);
    return found != m_shells.end() ? found->second : std::string();
  }

  /// What a step wrote into $GITHUB_ENV holds for the job's steps that follow.
  void keep_for_later_steps(std::size_t at) {
    while (at != 0 && node(at).key != "steps") {
      at = node(at).parent;
    }
    for (auto& [name, variable] : m_reading.later) {
      m_later[at][name] = variable;
    }
    m_reading.later.clear();
  }

  const YamlFile& m_file;
  const Variables& m_variables;
  Reading& m_reading;
  int m_depth;
  std::map<std::size_t, Variables> m_of_node;
  std::map<std::size_t, Variables> m_later;
  std::map<std::size_t, std::string> m_shells;
  std::map<std::size_t, bool> m_word_lists;
  std::map<std::size_t, std::vector<std::size_t>> m_scalars_of; ///< by key
  std::set<std::size_t> m_read;                                 ///< keys that need no other look
};

} // namespace

void read_yaml(const Text& text, const Variables& variables, Reading& reading, int depth) {
  if (!contains(text.chars(), "uv")) {
    return;
  }
  const YamlFile file = parse_yaml(text);
  YamlReader(file, variables, reading, depth).read();
}

} // namespace snapfix::lint
