#include "lint/kind.hpp"
#include "lint/shell.hpp"

#include <algorithm>
#include <map>
#include <regex>

namespace snapfix::lint {
namespace {

/// Its first line as far as names stand in it: std::regex recurses a level a byte.
std::string_view head_of(const Text& text) {
  constexpr std::size_t k_most = 400;
  const std::string_view chars = text.chars();
  return chars.substr(0, std::min(chars.find('\n'), k_most));
}

/// Reads a makefile: its recipes with variables expanded, since `$(UV_RUN) pytest` calls uv.
class MakeReader {
public:
  MakeReader(const Text& text, Variables variables, Reading& reading, int depth)
      : m_text(text), m_lines(lines_of(text.chars())), m_variables(std::move(variables)),
        m_reading(reading), m_depth(depth) {}

  void read() {
    // Exports hold for all recipes, wherever they stand.
    each_logical_line([&](const Text& line, bool recipe) {
      if (!recipe) {
        take_definition(line);
      }
    });
    each_logical_line([&](const Text& line, bool recipe) {
      if (recipe) {
        read_recipe(line);
      } else {
        read_rule(line);
      }
    });
    read_unused();
  }

private:
  template<typename Visit> void each_logical_line(const Visit& visit) {
    m_conditions = 0;
    bool in_rule = false;
    bool in_define = false;
    for (std::size_t i = 0; i < m_lines.size() && m_reading.left != 0;) {
      Text logical;
      const bool tab = m_text[m_lines[i].begin] == '\t';
      bool more = true;
      while (more && i < m_lines.size()) {
        std::size_t begin = m_lines[i].begin;
        begin += tab && m_text[begin] == '\t' ? 1 : 0;
        const Text line = m_text.sub(begin, m_lines[i].next);
        more = m_lines[i].end > begin && m_text[m_lines[i].end - 1] == '\\';
        logical.append(line);
        ++i;
      }
      const std::string first(trim(head_of(logical)));
      if (first.starts_with("define ") || first.starts_with("endef")) {
        in_define = first.starts_with("define ");
        continue;
      }
      const bool recipe = (tab && in_rule) || in_define;
      if (!recipe && !first.empty() && !first.starts_with('#')) {
        const bool conditional =
            first.starts_with("if") || first.starts_with("else") || first.starts_with("endif");
        m_conditions += first.starts_with("if") ? 1 : first.starts_with("endif") ? -1 : 0;
        if (!conditional) {
          in_rule = is_rule(first);
        } else {
          continue;
        }
      }
      visit(logical, recipe);
    }
  }

  static bool is_rule(const std::string& line) {
    static const std::regex k_rule(R"(^[^=#]*?:(?![=:])(?!:=).*)");
    return std::regex_match(line, k_rule) && !is_definition(line);
  }

  static bool is_definition(const std::string& line) {
    static const std::regex k_definition(R"(^(export\s+|override\s+)*[\w.-]+\s*(\?|:|::|\+|!)?=)");
    return std::regex_search(line, k_definition) || line.starts_with("export ") ||
           line.starts_with("unexport ");
  }

  void take_definition(const Text& line) {
    static const std::regex k_parts(
        R"(^\s*((?:export\s+|override\s+)*)([\w.-]+)\s*(\?|::?|\+|!)?=[ \t]*)");
    std::smatch parts;
    const std::string chars(head_of(line));
    if (std::regex_search(chars, parts, k_parts)) {
      const bool exported = contains(parts[1].str(), "export");
      Text value = line.sub(static_cast<std::size_t>(parts.length(0)), line.size());
      value = value.sub(0, value.chars().find(" #")).trimmed();
      define(parts[2].str(), value, exported, parts[3].str() == "+");
      return;
    }
    const auto words = words_of(line);
    if (!words.empty() && words[0].chars() == "export") {
      for (std::size_t i = 1; i < words.size(); ++i) {
        m_variables[words[i].chars()].exported = true;
      }
    }
    if (chars.starts_with(".ONESHELL")) {
      m_one_shell = true;
    }
    static const std::regex k_target(R"(^([^:=#]+):\s*(export\s+)?([\w.-]+)\s*[:?]?=[ \t]*)");
    if (std::regex_search(chars, parts, k_target)) {
      const Text value = line.sub(static_cast<std::size_t>(parts.length(0)), line.size());
      for (const Word& target : words_of(Text(parts[1].str()))) {
        m_reading.spend(value.size() / 8 + 1);
        m_of_target[target.chars()][parts[3].str()] = {
            value.trimmed(), {}, parts[2].matched || m_variables[parts[3].str()].exported, {}};
      }
    }
  }

  void define(const std::string& name, const Text& value, bool exported, bool append) {
    if (m_conditions > 0 && name.starts_with("UV_")) {
      return; // it holds only for some
    }
    Variable& variable = m_variables[name];
    if (append) {
      variable.value.push(' ', value.begin_of(0));
      variable.value.append(value);
    } else {
      variable.value = value;
    }
    variable.exported |= exported;
    m_defined[name] = value;
  }

  void read_rule(const Text& line) {
    const std::string chars(head_of(line));
    static const std::regex k_target_variable(R"(^[^:=#]+:\s*(export\s+)?[\w.-]+\s*[:?]?=)");
    if (std::regex_search(chars, k_target_variable) || !is_rule(std::string(trim(chars)))) {
      const auto equals = chars.find('=');
      if (equals != std::string::npos && !chars.starts_with('#')) {
        expand(line.sub(equals + 1, line.size()), 0); // for $(shell ...)
      }
      return;
    }
    m_reading.spend(cost_of(m_variables));
    m_rule = m_variables;
    m_shell.clear(); // each recipe has a shell of its own
    const auto colon = chars.find(':');
    for (const Word& target : words_of(line.sub(0, colon))) {
      const Variables& own = m_of_target[target.chars()];
      if (!m_reading.spend(cost_of(own))) {
        return;
      }
      for (const auto& [name, variable] : own) {
        m_rule[name] = variable;
      }
    }
    const auto semicolon = chars.find(';');
    if (semicolon != std::string::npos && !chars.starts_with('#')) {
      read_recipe(line.sub(semicolon + 1, line.size()));
    }
  }

  void read_recipe(const Text& line) {
    std::size_t begin = 0;
    while (begin < line.size() &&
           std::string_view(" \t@-+").find(line[begin]) != std::string_view::npos) {
      ++begin;
    }
    Variables inner;
    m_reading.spend(cost_of(m_variables) + cost_of(m_rule));
    for (const auto& [name, variable] : m_rule.empty() ? m_variables : m_rule) {
      if (variable.exported) {
        inner[name] = variable;
      }
    }
    if (m_one_shell) {
      inner.insert(m_shell.begin(), m_shell.end());
    }
    const std::size_t known = m_reading.findings.size();
    read_shell(expand(line.sub(begin, line.size()), 0), inner, m_reading, m_depth + 1);
    m_shell = inner;
    for (std::size_t i = known; i < m_reading.findings.size(); ++i) {
      Finding& finding = m_reading.findings[i];
      const auto is_here = [&](std::size_t offset) {
        return offset >= line.begin_of(0) && offset < line.end_of(line.size());
      };
      if (is_here(finding.subcommand)) {
        finding.begin = is_here(finding.begin) ? finding.begin : finding.subcommand;
      } else {
        finding.message += " (in the value of a variable that is run as a command)";
      }
    }
  }

  /// Replaces variables by their values and calls of functions by a word that says nothing.
  Text expand(const Text& text, int depth) {
    constexpr int k_deepest = 8;
    Text out;
    for (std::size_t i = 0; i < text.size();) {
      const char next = text[i + 1];
      if (text[i] != '$' || (next == '$')) {
        out.push(text[i], text.begin_of(i));
        i += text[i] == '$' ? 2 : 1;
      } else if (next == '(' || next == '{') {
        const std::size_t end = closing(text, i + 1);
        expand_reference(text.sub(i + 2, end), out, depth < k_deepest ? depth + 1 : -1);
        i = end + 1;
      } else {
        out.append(Text("$x", text.begin_of(i)));
        i += 2;
      }
    }
    return out;
  }

  static std::size_t closing(const Text& text, std::size_t open) {
    const char opening = text[open];
    const char wanted = opening == '(' ? ')' : '}';
    int depth = 0;
    for (std::size_t i = open; i < text.size(); ++i) {
      depth += text[i] == opening ? 1 : text[i] == wanted ? -1 : 0;
      if (depth == 0) {
        return i;
      }
    }
    return text.size();
  }

  void expand_reference(const Text& inside, Text& out, int depth) {
    const std::string& name = inside.chars();
    m_used[name] = true;
    if (name.starts_with("shell ") && depth > 0) {
      Variables inner = m_variables;
      read_shell(expand(inside.sub(6, inside.size()), depth), inner, m_reading, m_depth + 1);
    }
    const auto found = m_defined.find(name);
    if (found != m_defined.end() && depth > 0 && m_reading.spend(1)) {
      const Text& value = m_variables[name].value;
      m_reading.spend(value.size());
      out.append(expand(value, depth));
    } else {
      out.append(Text(is_name(name) ? "${" + name + "}" : "${ARGS}", inside.begin_of(0)));
    }
  }

  /// A command in a variable that only a file which includes this one can use.
  void read_unused() {
    for (const auto& [name, value] : m_defined) {
      if (m_used.count(name) == 0 && !is_prose_command(name) && reads_as_command(value)) {
        Variables inner = m_variables;
        m_reading.in_variable = true;
        read_shell(expand(value, 0), inner, m_reading, m_depth + 1);
        m_reading.in_variable = false;
      }
    }
  }

  const Text& m_text;
  std::vector<Line> m_lines;
  Variables m_variables;
  Variables m_rule;  ///< with what is set for the targets of the rule
  Variables m_shell; ///< what .ONESHELL keeps from line to line
  std::map<std::string, Variables> m_of_target;
  std::map<std::string, Text> m_defined;
  std::map<std::string, bool> m_used;
  Reading& m_reading;
  int m_depth;
  int m_conditions = 0;
  bool m_one_shell = false;
};

} // namespace

void read_makefile(const Text& text, const Variables& variables, Reading& reading, int depth) {
  MakeReader(text, variables, reading, depth).read();
}

} // namespace snapfix::lint
