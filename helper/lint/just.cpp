#include "lint/kind.hpp"
#include "lint/lines.hpp"

#include <algorithm>

namespace snapfix::lint {
namespace {

/// Reads a justfile: each line of a recipe is a command of its own, or all of them a script.
class JustReader : LineReader {
public:
  using LineReader::LineReader;

  void read() {
    for (; has_more(); m_line += m_line < m_lines.size() && is_body() ? 1 : 0) {
      if (!is_body()) {
        take_definition(next_line());
      }
    }
    for (m_line = 0; has_more();) {
      if (!is_body()) {
        ++m_line;
        continue;
      }
      const bool script = trim(peek()).starts_with("#!");
      const Text text = script ? body() : next_line();
      const std::size_t begin = script ? 0 : text.chars().find_first_not_of(" \t@-");
      read_recipe(text, expand(text.sub(begin, text.size())), m_variables);
    }
  }

private:
  bool is_body() const { return indent_of(peek()) > 0 && !trim(peek()).empty(); }

  void take_definition(const Text& line) {
    auto definition = definition_of(line);
    if (!definition) {
      return;
    }
    Text& value = definition->variable.value;
    if (is_any(value[0], "\"'")) {
      value = value.sub(1, std::max<std::size_t>(value.chars().find(value[0], 1), 1));
    }
    m_variables[definition->name] = definition->variable;
  }

  /// All lines of the recipe, their indentation taken off.
  Text body() {
    const std::size_t indent = indent_of(peek());
    Text out;
    for (; has_more() && (is_body() || trim(peek()).empty()); ++m_line) {
      const Line& line = m_lines[m_line];
      out.append(m_text.sub(line.begin + std::min(indent, indent_of(peek())), line.next));
    }
    return out;
  }

  /// Replaces `{{name}}` by its value; any other expression stays.
  Text expand(const Text& text) const {
    Text out;
    std::size_t done = 0;
    for (auto at = text.chars().find("{{"); at != std::string::npos;
         at = text.chars().find("{{", done)) {
      const auto end = text.chars().find("}}", at);
      if (end == std::string::npos) {
        break;
      }
      out.append(text.sub(done, at));
      done = end + 2;
      const Variable* known = m_variables.find(text.sub(at + 2, end).trimmed().chars());
      const bool use = known != nullptr && m_reading.spend(known->value.size());
      out.append(use ? known->value : text.sub(at, done));
    }
    out.append(text.sub(done, text.size()));
    return out;
  }
};

} // namespace

void read_justfile(const Text& text, const Variables& variables, Reading& reading, int depth) {
  JustReader(text, variables, reading, depth).read();
}

} // namespace snapfix::lint
