#include "lint/kind.hpp"
#include "lint/shell.hpp"
#include "lint/words.hpp"
#include "os/format.hpp"

#include <algorithm>
#include <new>
#include <string_view>
#include <utility>

#include <yaml.h>

namespace snapfix::lint {
namespace {

using Node = const yaml_node_t*;

/// A list's have no keys.
using Members = std::vector<std::pair<std::string, Node>>;

constexpr int k_deepest_node = 100; // no one nests deeper

/// libyaml refuses bytes that are no UTF-8, and counts characters: what is no ASCII is not
/// shown_to_yaml to it, so that its places are bytes.
char shown_to_yaml(char c) {
  return (c >= ' ' && c <= '~') || c == '\t' || c == '\n' ? c : '?';
}

/// The documents of a text, composed by libyaml: an alias is the node that its anchor names.
class YamlFile {
public:
  /// A line that YAML does not allow, as a template has them, is passed over.
  YamlFile(const Text& text, Reading& reading) {
    std::string chars = text.chars();
    // With each open bracket the scanner of libyaml looks at all of them.
    if (deepest_brackets(chars) > 10 * k_deepest_node) {
      reading.left = 0;
      return;
    }
    std::ranges::transform(chars, chars.begin(), shown_to_yaml);
    std::size_t to_parse = k_most_bytes + k_most_times * chars.size();
    while (const auto fault = load(chars, reading)) {
      clear();
      const std::size_t begin = chars.rfind('\n', *fault == 0 ? 0 : *fault - 1) + 1;
      const std::size_t end = std::min(chars.find('\n', *fault), chars.size());
      if (begin >= end || trim(chars.substr(begin, end - begin)).empty() || to_parse < *fault ||
          reading.left == 0) {
        reading.left = 0;
        return;
      }
      to_parse -= *fault;
      chars.replace(begin, end - begin, end - begin, ' ');
    }
  }
  ~YamlFile() { clear(); }
  YamlFile(const YamlFile&) = delete;
  YamlFile& operator=(const YamlFile&) = delete;

  std::vector<yaml_document_t> documents;

private:
  /// How often a text is parsed: small ones as often as a template has lines.
  static constexpr std::size_t k_most_bytes = std::size_t{1} << 23U;
  static constexpr std::size_t k_most_times = 16;

  /// Where what YAML does not allow stands, if anything does.
  std::optional<std::size_t> load(const std::string& chars, Reading& reading) {
    yaml_parser_t parser;
    if (yaml_parser_initialize(&parser) == 0) {
      throw std::bad_alloc();
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser,
                                 reinterpret_cast<const unsigned char*>(chars.data()), // NOLINT
                                 chars.size());
    std::optional<std::size_t> fault;
    for (bool more = true; more && !fault;) {
      yaml_document_t document;
      if (yaml_parser_load(&parser, &document) == 0) {
        // A scalar that does not end is at fault where it begins.
        const bool begun = parser.error == YAML_SCANNER_ERROR && parser.context != nullptr;
        fault = std::min(begun ? parser.context_mark.index : parser.problem_mark.index,
                         chars.empty() ? 0 : chars.size() - 1);
        const bool deep = parser.marks.top - parser.marks.start > k_deepest_node;
        reading.left = deep ? 0 : reading.left;
      } else {
        documents.push_back(document);
        more = yaml_document_get_root_node(&document) != nullptr;
      }
    }
    yaml_parser_delete(&parser);
    return fault;
  }

  void clear() {
    std::ranges::for_each(documents, [](auto& each) { yaml_document_delete(&each); });
    documents.clear();
  }
};

bool is_scalar(Node node) {
  return node->type == YAML_SCALAR_NODE;
}

bool is_block(Node scalar) {
  const auto style = scalar->data.scalar.style;
  return style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE;
}

bool is_flow_list(Node node) {
  return node != nullptr && node->type == YAML_SEQUENCE_NODE &&
         node->data.sequence.style == YAML_FLOW_SEQUENCE_STYLE;
}

std::string_view value_of(Node scalar) {
  return {reinterpret_cast<const char*>(scalar->data.scalar.value), // NOLINT
          scalar->data.scalar.length};
}

Node member(const Members& members, std::string_view key) {
  const auto found = std::ranges::find(members, key, [](const auto& each) { return each.first; });
  return found == members.end() ? nullptr : found->second;
}

/// Finds the commands of a file, with the environment that covers each.
class YamlReader {
public:
  YamlReader(const Text& text, Reading& reading, int depth)
      : m_text(text), m_file(text, reading), m_reading(reading), m_depth(depth) {}

  void read(const Variables& variables) {
    for (yaml_document_t& document : m_file.documents) {
      Variables own(&variables);
      m_document = &document;
      if (Node root = yaml_document_get_root_node(&document)) {
        read_value(root, "", own);
      }
    }
  }

private:
  /// Of a list or a mapping, to which `<<: *base`, and `<<: [*a, *b]`, add what it does not say.
  Members members_of(Node node, int depth = 0) const {
    constexpr std::size_t k_longest_key = 200;
    Members out;
    Members bases;
    if (node == nullptr || is_scalar(node)) {
      return out;
    }
    if (node->type == YAML_SEQUENCE_NODE) {
      const auto& items = node->data.sequence.items;
      for (const int* item = items.start; item != items.top && m_reading.spend(1); ++item) {
        out.emplace_back("", yaml_document_get_node(m_document, *item));
      }
      return out;
    }
    const auto& pairs = node->data.mapping.pairs;
    for (const auto* pair = pairs.start; pair != pairs.top && m_reading.spend(1); ++pair) {
      Node key = yaml_document_get_node(m_document, pair->key);
      Node value = yaml_document_get_node(m_document, pair->value);
      const auto name = is_scalar(key) ? value_of(key).substr(0, k_longest_key) : "";
      if (name != "<<") {
        out.emplace_back(name, value);
      } else if (value->type == YAML_SEQUENCE_NODE) {
        std::ranges::copy(members_of(value), std::back_inserter(bases));
      } else {
        bases.emplace_back("", value);
      }
    }
    m_reading.left = depth > k_deepest_node ? 0 : m_reading.left;
    for (const auto& [none, base] : bases) {
      for (auto& added : m_reading.left != 0 ? members_of(base, depth + 1) : Members()) {
        if (m_reading.spend(out.size()) && member(out, added.first) == nullptr) {
          out.push_back(std::move(added));
        }
      }
    }
    return out;
  }

  /// Where a scalar's value begins, behind its anchor and its tag.
  std::size_t begin_of(Node scalar) const {
    const std::size_t end = scalar->end_mark.index;
    std::size_t begin = scalar->start_mark.index;
    while (is_any(m_text[begin], "&!") && begin < end) {
      const std::size_t behind = m_text.chars().find_first_of(" \t\n", begin);
      begin = std::min(m_text.chars().find_first_not_of(" \t\n", behind), end);
    }
    return begin;
  }

  /// A scalar's value, each byte with the place that it comes from: what stands between is folding,
  /// indentation, quotes and escapes.
  Text text_of(Node scalar) const {
    Text out;
    if (scalar == nullptr || !is_scalar(scalar)) {
      return out;
    }
    const std::size_t end = scalar->end_mark.index;
    const bool escapes = scalar->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE;
    std::size_t at = begin_of(scalar);
    at = is_block(scalar) ? m_text.chars().find('\n', at) + 1
                          : at + (scalar->data.scalar.style == YAML_PLAIN_SCALAR_STYLE ? 0 : 1);
    for (const char c : value_of(scalar)) {
      if ((static_cast<unsigned char>(c) & 0xC0U) == 0x80) { // of the escape before
        out.push(c, out.end_of(out.size()) - 1);
        continue;
      }
      for (bool found = false; !found && at < end;) {
        const char here = m_text[at];
        const char next = m_text[at + 1];
        if (escapes && here == '\\') {
          found = next != '\n';
          at += next == 'x' ? 3 : next == 'u' ? 5 : next == 'U' ? 9 : next == '\n' ? 2 : 1;
        } else {
          found = shown_to_yaml(here) == c || (is_any(here, " \t\n") && is_any(c, " \t\n"));
          at += found ? 0 : 1;
        }
      }
      out.push(c == '?' && at < end ? m_text[at] : c, m_text.begin_of(at));
      at += at < end ? 1 : 0;
    }
    return out;
  }

  /// `variables` are those of a shell that the values of a list may share.
  void read_value(Node node, std::string_view key, Variables& variables) {
    constexpr std::size_t k_cost_of_node = 32;
    m_reading.left = ++m_nesting > k_deepest_node ? 0 : m_reading.left; // a node may hold itself
    if (m_reading.spend(k_cost_of_node)) {
      if (is_scalar(node)) {
        read_scalar(node, key, variables);
      } else if (node->type == YAML_SEQUENCE_NODE) {
        read_list(node, key, variables);
      } else {
        read_map(members_of(node), variables);
      }
    }
    --m_nesting;
  }

  void read_map(const Members& map, const Variables& variables) {
    Variables own(&variables);
    for (const auto& [key, value] : map) {
      if (is_environment(key)) {
        take_environment(value, own);
      } else if (key == "defaults") {
        take_folder(members_of(member(members_of(value), "run")), own);
      } else if (key == "strategy") {
        take_matrix("matrix", member(members_of(value), "matrix"), own);
      }
    }
    take_folder(map, own);
    const bool split = read_with_arguments(map, own);
    for (const auto& [key, value] : map) {
      if (!is_environment(key) && !(split && is_in(" entry entrypoint command args ", key))) {
        Variables inner(&own);
        read_value(value, key, inner);
      }
    }
  }

  static bool is_environment(std::string_view key) {
    return is_in(" env environment variables env_variables environment_variables ", key);
  }

  void take_folder(const Members& map, Variables& variables) const {
    if (Node folder = member(map, "working-directory")) {
      variables.erase("PWD"); // it counts from the top
      change_folder(variables, text_of(folder).chars());
    }
  }

  /// `{UV_FROZEN: 1}`.
  void take_environment(Node settings, Variables& variables) const {
    for (const auto& [key, value] : members_of(settings)) {
      variables[key] = {text_of(value), true};
    }
  }

  /// `strategy: {matrix: {options: [--frozen, --locked]}}` is `matrix.options` in the job's steps,
  /// with one value or another.
  void take_matrix(const std::string& name, Node node, Variables& variables) {
    constexpr std::size_t k_most_values = 32;
    if (node != nullptr && is_scalar(node)) {
      Variable& variable = variables[name];
      if (variable.value.empty()) {
        variable.value = text_of(node);
      } else if (variable.others.size() < k_most_values) {
        variable.others.push_back(text_of(node));
      }
      return;
    }
    m_reading.left = ++m_nesting > k_deepest_node ? 0 : m_reading.left;
    for (const auto& [key, value] : members_of(node)) {
      take_matrix(key.empty() || key == "include" ? name : os::format("{}.{}", name, key), value,
                  variables);
    }
    --m_nesting;
  }

  /// `entry: uv` beside `args: [run, x]`: one command in two keys.
  bool read_with_arguments(const Members& map, const Variables& variables) {
    for (const std::string_view key : {"entry", "command", "entrypoint"}) {
      Node arguments = member(map, "args");
      if (arguments == nullptr && key == "entrypoint") {
        arguments = member(map, "command");
      }
      auto words = words_of_value(member(map, key));
      if (arguments != nullptr && !words.empty() && is_uv(words[0])) {
        const auto more = words_of_value(arguments);
        words.insert(words.end(), more.begin(), more.end());
        read_command(words, variables, m_reading, m_depth);
        return true;
      }
    }
    return false;
  }

  std::vector<Word> words_of_value(Node value) const {
    return value != nullptr && is_scalar(value) ? words_of(text_of(value)) : item_words(value);
  }

  /// Those of a list, up to the first that is no scalar.
  std::vector<Word> item_words(Node list) const {
    std::vector<Word> words;
    for (const auto& [none, item] : members_of(list)) {
      if (!is_scalar(item)) {
        break;
      }
      const std::size_t begin = begin_of(item);
      Word& word = words.emplace_back();
      word.text = text_of(item);
      word.begin = m_text.begin_of(begin);
      word.end = m_text.end_of(item->end_mark.index);
      word.quoted = is_any(m_text[begin], "\"'");
      if (is_flow_list(list)) {
        word.option_after = word.quoted ? std::string(1, m_text[begin]) : "";
        word.option_before = ", " + word.option_after;
      } else { // an item of its own, below
        word.option_before = m_text.sub(m_text.chars().rfind('\n', begin), begin).chars();
      }
    }
    return words;
  }

  void read_list(Node list, std::string_view key, Variables& variables) {
    const auto items = members_of(list);
    const auto words = item_words(list);
    const auto is_program = [](const Word& word) {
      return is_uv(word) || is_shell(base_name(word.chars()));
    };
    if (words.size() > 1 && words.size() == items.size() && role_of(key) != Role::prose &&
        (is_flow_list(list) ? std::ranges::any_of(words, is_program)
                            : is_program(words[0]) || words[0].chars() == "env")) {
      read_command(words, variables, m_reading, m_depth);
      return;
    }
    const bool one_shell = contains(lower(key), "script"); // as GitLab's
    for (const auto& [none, item] : items) {
      Variables own(&variables);
      read_value(item, key, one_shell ? variables : own);
      // What a step wrote into $GITHUB_ENV holds for the job's steps that follow.
      for (const auto& [name, variable] : std::exchange(m_reading.later, {})) {
        variables[name] = variable;
      }
    }
  }

  void read_scalar(Node scalar, std::string_view key, Variables& variables) {
    const Text text = text_of(scalar);
    const Role role = key == "args" && is_block(scalar) ? Role::command : role_of(key);
    if (role == Role::prose) {
      return;
    }
    if (role == Role::command || (!is_block(scalar) && reads_as_command(text))) {
      read_shell(text, variables, m_reading, m_depth + 1);
    }
  }

  const Text& m_text;
  YamlFile m_file;
  yaml_document_t* m_document = nullptr;
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

} // namespace snapfix::lint
