#include "lint/lines.hpp"

#include "lint/shell.hpp"

namespace snapfix::lint {

std::string_view LineReader::peek(std::size_t ahead) const {
  if (m_line + ahead >= m_lines.size()) {
    return {};
  }
  const Line& line = m_lines[m_line + ahead];
  return std::string_view(m_text.chars()).substr(line.begin, line.end - line.begin);
}

Text LineReader::next_line(Comments comments) {
  Text out;
  const bool recipe = peek().starts_with('\t');
  for (bool more = true; more && m_line < m_lines.size(); ++m_line) {
    const Line& line = m_lines[m_line];
    const std::string_view chars = trim(peek());
    if (comments == Comments::dropped && (chars.starts_with('#') || chars.empty())) {
      more = !out.empty();
      continue;
    }
    const std::size_t begin = line.begin + (recipe && m_text[line.begin] == '\t' ? 1 : 0);
    more = chars.ends_with('\\');
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
  Definition out;
  std::size_t at = indent_of(line.chars());
  for (;;) {
    const std::size_t begin = at;
    while (is_name_char(line[at]) || line[at] == '-' || line[at] == '.') {
      ++at;
    }
    out.name = line.chars().substr(begin, at - begin);
    const std::size_t behind = at;
    while (is_blank(line[at])) {
      ++at;
    }
    if (out.name.empty()) {
      return std::nullopt;
    }
    if (at == behind || !is_any(out.name, {"export", "override"}) || line[at] == '=') {
      break;
    }
    out.exported |= out.name == "export";
  }
  for (const std::string_view sign : {"=", "?=", ":=", "::=", "+=", "!="}) {
    if (line.starts(at, sign)) {
      out.appends = sign[0] == '+';
      out.value = line.sub(at + sign.size(), line.size()).trimmed();
      return out;
    }
  }
  return std::nullopt;
}

Variables LineReader::exported(const Variables& variables) const {
  m_reading.spend(cost_of(variables));
  Variables out = variables;
  std::erase_if(out, [](const auto& each) { return !each.second.exported; });
  return out;
}

void LineReader::read_script(const Text& script, Variables variables) {
  read_shell(script, variables, m_reading, m_depth + 1);
}

void LineReader::place_findings(const Text& text, std::size_t known) {
  const auto is_here = [&](std::size_t offset) {
    return offset >= text.begin_of(0) && offset < text.end_of(text.size());
  };
  for (std::size_t i = known; i < m_reading.findings.size(); ++i) {
    Finding& finding = m_reading.findings[i];
    if (!is_here(finding.subcommand)) {
      finding.message += " (in the value of a variable that is run as a command)";
    } else if (!is_here(finding.begin)) {
      finding.begin = finding.subcommand;
    }
  }
}

} // namespace snapfix::lint
