#include "lint/lines.hpp"

#include "lint/kind.hpp"
#include "lint/shell.hpp"

namespace snapfix::lint {

std::string_view LineReader::peek() const {
  const Line& line = m_lines[m_line];
  return std::string_view(m_text.chars()).substr(line.begin, line.end - line.begin);
}

Text LineReader::next_line() {
  Text out;
  const bool recipe = peek().starts_with('\t');
  for (bool more = true; more && m_line < m_lines.size(); ++m_line) {
    const Line& line = m_lines[m_line];
    const std::size_t begin = line.begin + (recipe && m_text[line.begin] == '\t' ? 1 : 0);
    more = trim(peek()).ends_with('\\');
    if (more) { // blanks behind it mean nothing
      out.append(m_text.sub(begin, m_text.chars().rfind('\\', line.end - 1) + 1));
      out.push('\n', m_text.begin_of(line.end));
    } else {
      out.append(m_text.sub(begin, line.next));
    }
  }
  return out;
}

std::optional<LineReader::Definition> LineReader::definition_of(const Text& line) {
  const std::string& chars = line.chars();
  Definition out;
  std::size_t at = indent_of(chars);
  while (line.starts(at, "export ") || line.starts(at, "override ")) {
    out.variable.exported |= line.starts(at, "export ");
    at = std::min(chars.find_first_not_of(" \t", chars.find(' ', at)), chars.size());
  }
  const std::size_t begin = at;
  while (is_name_char(line[at]) || is_any(line[at], "-.")) {
    ++at;
  }
  out.name = chars.substr(begin, at - begin);
  const std::size_t sign = std::min(chars.find_first_not_of(" \t", at), chars.size());
  const std::size_t equals = std::min(chars.find_first_not_of("?:+!", sign), chars.size());
  if (out.name.empty() || line[equals] != '=' || equals > sign + 2) {
    return std::nullopt;
  }
  out.appends = line[sign] == '+';
  out.variable.value = line.sub(equals + 1, line.size()).trimmed();
  return out;
}

void LineReader::read_script(const Text& script, const Variables& variables) {
  const Kind kind = script.starts(0, "#!") ? kind_of_shebang(script.chars()) : Kind::shell;
  read_language(kind, script, variables, m_reading, m_depth + 1);
}

void LineReader::read_recipe(const Text& line, const Text& script, const Variables& variables) {
  const std::size_t known = m_reading.findings.size();
  read_script(script, variables);
  const auto is_here = [&](std::size_t offset) {
    return offset >= line.begin_of(0) && offset < line.end_of(line.size());
  };
  for (std::size_t i = known; i < m_reading.findings.size(); ++i) {
    Finding& finding = m_reading.findings[i];
    if (is_here(finding.subcommand) && !is_here(finding.begin)) { // $(UV) run
      finding.begin = finding.subcommand;
    }
  }
}

} // namespace snapfix::lint
