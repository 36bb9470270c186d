#include "lint/kind.hpp"
#include "lint/lines.hpp"
#include "lint/shell.hpp"

#include <algorithm>

namespace snapfix::lint {
namespace {

/// Reads a justfile: each line of a recipe is a command of its own, or all of them a script.
class JustReader : LineReader {
public:
  using LineReader::LineReader;

  void read() {
    const Variables outer = m_variables;
    while (has_more()) {
      if (peek().starts_with("set export")) {
        m_export_all = true;
      }
      take_definition(next_line());
    }
    for (auto& [name, variable] : m_variables) {
      variable.exported |= m_export_all;
    }
    m_line = 0;
    while (has_more()) {
      if (!is_body()) {
        ++m_line;
      } else if (trim(peek()).starts_with("#!")) {
        read_body();
      } else {
        read_line(next_line());
      }
    }
  }

private:
  bool is_body() const { return indent_of(peek()) > 0 && !trim(peek()).empty(); }

  void take_definition(const Text& line) {
    auto definition = is_blank(line[0]) ? std::nullopt : definition_of(line);
    if (!definition) {
      return;
    }
    Text& value = definition->value;
    if (value.starts(0, "`")) {
      read_script(value, m_variables);
    }
    if (value.size() > 1 && (value[0] == '"' || value[0] == '\'')) {
      value = value.sub(1, std::max<std::size_t>(value.chars().find(value[0], 1), 1));
    }
    m_variables[definition->name] = {value, {}, definition->exported, {}};
  }

  void read_body() {
    const std::size_t indent = indent_of(peek());
    Text script;
    while (has_more() && (is_body() || trim(peek()).empty())) {
      const std::size_t cut = std::min(indent, indent_of(peek()));
      script.append(m_text.sub(m_lines[m_line].begin + cut, m_lines[m_line].next));
      ++m_line;
    }
    const std::size_t known = m_reading.findings.size();
    read_language(kind_of_shebang(script.chars()), expand(script), exported(m_variables), m_reading,
                  m_depth + 1);
    place_findings(script, known);
  }

  void read_line(const Text& line) {
    const std::size_t begin = std::min(line.chars().find_first_not_of(" \t@-"), line.size());
    const std::size_t known = m_reading.findings.size();
    read_script(expand(line.sub(begin, line.size())), exported(m_variables));
    place_findings(line, known);
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
      const auto found = m_variables.find(text.sub(at + 2, end).trimmed().chars());
      const bool known = found != m_variables.end() && m_reading.spend(found->second.value.size());
      out.append(known ? found->second.value : text.sub(at, done));
    }
    out.append(text.sub(done, text.size()));
    return out;
  }

  bool m_export_all = false;
};

} // namespace

void read_justfile(const Text& text, const Variables& variables, Reading& reading, int depth) {
  JustReader(text, variables, reading, depth).read();
}

} // namespace snapfix::lint
