#include "lint/kind.hpp"
#include "lint/shell.hpp"

#include <map>
#include <regex>

namespace snapfix::lint {
namespace {

/// Reads a justfile: each line of a recipe is a command of its own, or all of them a script.
class JustReader {
public:
  JustReader(const Text& text, Variables variables, Reading& reading, int depth)
      : m_text(text), m_lines(lines_of(text.chars())), m_variables(std::move(variables)),
        m_reading(reading), m_depth(depth) {}

  void read() {
    for (const Line& line : m_lines) {
      take_definition(m_text.sub(line.begin, line.end));
    }
    for (std::size_t i = 0; i < m_lines.size() && m_reading.left != 0;) {
      if (is_body(i)) {
        read_body(i);
      } else {
        ++i;
      }
    }
  }

private:
  std::string_view chars(std::size_t i) const {
    return std::string_view(m_text.chars())
        .substr(m_lines[i].begin, m_lines[i].end - m_lines[i].begin);
  }

  bool is_body(std::size_t i) const {
    return is_blank(m_text[m_lines[i].begin]) && !trim(chars(i)).empty();
  }

  void take_definition(const Text& line) {
    static const std::regex k_parts(R"(^(export\s+)?([\w-]+)\s*:=\s*)");
    std::smatch parts;
    if (line.starts(0, "set export")) {
      m_export_all = true;
    }
    const std::string head = line.chars().substr(0, 400); // std::regex recurses a level a byte
    if (!std::regex_search(head, parts, k_parts)) {
      return;
    }
    Text value = line.sub(static_cast<std::size_t>(parts.length(0)), line.size()).trimmed();
    if (value.starts(0, "`")) {
      Variables inner = m_variables;
      read_shell(value, inner, m_reading, m_depth + 1);
    }
    if (value.size() > 1 && (value[0] == '"' || value[0] == '\'')) {
      value = value.sub(1, std::max<std::size_t>(value.chars().find(value[0], 1), 1));
    }
    m_variables[parts[2].str()] = {value, {}, parts[1].matched, {}};
    m_values[parts[2].str()] = value;
  }

  void read_body(std::size_t& i) {
    const std::size_t first = i;
    const std::size_t indent = indent_of(chars(i));
    std::size_t last = i;
    Text script;
    for (; i < m_lines.size() && (is_body(i) || trim(chars(i)).empty()); ++i) {
      const std::size_t cut = std::min(indent, indent_of(chars(i)));
      script.append(m_text.sub(m_lines[i].begin + cut, m_lines[i].next));
      last = i;
    }
    const std::size_t known = m_reading.findings.size();
    if (script.starts(0, "#!")) {
      read_language(kind_of_shebang(script.chars()), expand(script), environment(), m_reading,
                    m_depth + 1);
    } else {
      read_lines(expand(script));
    }
    for (std::size_t f = known; f < m_reading.findings.size(); ++f) {
      Finding& finding = m_reading.findings[f];
      const auto is_here = [&](std::size_t offset) {
        return offset >= m_text.begin_of(m_lines[first].begin) &&
               offset < m_text.end_of(m_lines[last].next);
      };
      if (is_here(finding.subcommand)) {
        finding.begin = is_here(finding.begin) ? finding.begin : finding.subcommand;
      } else {
        finding.message += " (in the value of a variable that is run as a command)";
      }
    }
  }

  void read_lines(const Text& script) {
    std::size_t begin = 0;
    while (begin < script.size() && m_reading.left != 0) {
      std::size_t end = script.chars().find('\n', begin);
      while (end != std::string::npos && end > 0 && script[end - 1] == '\\') {
        end = script.chars().find('\n', end + 1);
      }
      end = std::min(end, script.size());
      while (begin < end &&
             (script[begin] == '@' || script[begin] == '-' || is_blank(script[begin]))) {
        ++begin;
      }
      Variables inner = environment();
      read_shell(script.sub(begin, end), inner, m_reading, m_depth + 1);
      begin = end + 1;
    }
  }

  Variables environment() const {
    m_reading.spend(cost_of(m_variables));
    Variables out;
    for (const auto& [name, variable] : m_variables) {
      if (variable.exported || m_export_all) {
        out[name] = variable;
        out[name].exported = true;
      }
    }
    return out;
  }

  /// Replaces `{{name}}` by its value; any other expression stays.
  Text expand(const Text& text) const {
    Text out;
    const auto last_end = text.chars().rfind("}}");
    for (std::size_t i = 0; i < text.size();) {
      const bool opens = text.starts(i, "{{") && last_end != std::string::npos && i < last_end;
      const auto end = opens ? text.chars().find("}}", i) : std::string::npos;
      if (end == std::string::npos) {
        out.push(text[i], text.begin_of(i));
        ++i;
        continue;
      }
      const auto found = m_values.find(text.sub(i + 2, end).trimmed().chars());
      const bool known = found != m_values.end() && m_reading.spend(found->second.size());
      out.append(known ? found->second : text.sub(i, end + 2));
      i = end + 2;
    }
    return out;
  }

  const Text& m_text;
  std::vector<Line> m_lines;
  Variables m_variables;
  std::map<std::string, Text> m_values;
  Reading& m_reading;
  int m_depth;
  bool m_export_all = false;
};

} // namespace

void read_justfile(const Text& text, const Variables& variables, Reading& reading, int depth) {
  JustReader(text, variables, reading, depth).read();
}

} // namespace snapfix::lint
