#include "lint/yaml.hpp"

#include <algorithm>

namespace snapfix::lint {
namespace {

class YamlParser {
public:
  explicit YamlParser(const Text& text) : m_text(text), m_lines(lines_of(text.chars())) {
    m_file.nodes.push_back({});
    m_open.push_back(0);
  }

  YamlFile parse() {
    while (m_line < m_lines.size()) {
      const Line& line = m_lines[m_line];
      const std::size_t indent = indent_at(m_line);
      const std::size_t begin = line.begin + indent;
      if (begin >= line.end || m_text[begin] == '#' || m_text.starts(line.begin, "---")) {
        if (m_text.starts(line.begin, "---")) {
          m_open.resize(1);
        }
        ++m_line;
        continue;
      }
      read_entry(begin, indent);
    }
    return std::move(m_file);
  }

private:
  std::size_t indent_at(std::size_t line) const {
    std::size_t i = m_lines[line].begin;
    while (i < m_lines[line].end && m_text[i] == ' ') {
      ++i;
    }
    return i - m_lines[line].begin;
  }

  bool is_item(std::size_t at) const {
    return m_text[at] == '-' &&
           (is_blank(m_text[at + 1]) || m_text[at + 1] == '\n' || at + 1 >= m_text.size());
  }

  void close(std::size_t indent, bool item) {
    while (m_open.size() > 1) {
      const YamlNode& node = m_file.nodes[m_open.back()];
      // A list may stand at the indentation of its key.
      const bool list_of_key = item && !node.key.empty() && node.indent == indent;
      if (node.indent < indent || list_of_key) {
        return;
      }
      m_open.pop_back();
    }
  }

  /// Deeper than anyone writes, everything is taken for a child of the last one there; and only
  /// the beginning of a key counts.
  std::size_t open(std::size_t indent, std::string key) {
    constexpr std::size_t k_deepest = 100;
    constexpr std::size_t k_longest = 200;
    if (m_open.size() > k_deepest) {
      m_open.pop_back();
    }
    key.resize(std::min(key.size(), k_longest));
    m_file.nodes.push_back({m_open.back(), indent, std::move(key)});
    m_open.push_back(m_file.nodes.size() - 1);
    return m_open.back();
  }

  void read_entry(std::size_t at, std::size_t indent) {
    close(indent, is_item(at));
    std::size_t column = indent;
    while (is_item(at)) {
      open(column, {});
      const std::size_t start = at;
      for (++at; is_blank(m_text[at]); ++at) {
      }
      column += at - start;
    }
    const std::size_t line_end = m_lines[m_line].end;
    std::size_t colon = find_colon(at, line_end);
    if (colon != 0) {
      std::string key(trim(m_text.sub(at, colon).chars()));
      if (key.size() > 1 && (key[0] == '"' || key[0] == '\'')) {
        key = key.substr(1, key.size() - 2);
      }
      open(column, key);
      for (++colon; is_blank(m_text[colon]); ++colon) {
      }
      at = colon;
    }
    read_value(at, m_file.nodes[m_open.back()].indent);
  }

  /// The place of the colon that ends a key, 0 if the line has none.
  std::size_t find_colon(std::size_t at, std::size_t end) const {
    if (m_text[at] == '[' || m_text[at] == '{' || m_text[at] == '|' || m_text[at] == '>') {
      return 0;
    }
    const char quote = m_text[at] == '"' || m_text[at] == '\'' ? m_text[at] : '\0';
    std::size_t i = at + (quote != '\0' ? 1 : 0);
    if (quote != '\0') {
      while (i < end && m_text[i] != quote) {
        ++i;
      }
      i += 1;
      return i < end && m_text[i] == ':' ? i : 0;
    }
    for (; i < end; ++i) {
      if (m_text[i] == ':' && (i + 1 == end || is_blank(m_text[i + 1]))) {
        return i;
      }
      if (m_text[i] == '#' && i > at && is_blank(m_text[i - 1])) {
        return 0;
      }
    }
    return 0;
  }

  void read_value(std::size_t at, std::size_t indent) {
    const std::size_t end = m_lines[m_line].end;
    while (at < end && (m_text[at] == '!' || m_text[at] == '&')) { // a tag or an anchor
      while (at < end && !is_blank(m_text[at])) {
        ++at;
      }
      while (is_blank(m_text[at])) {
        ++at;
      }
    }
    const char c = at < end ? m_text[at] : '\0';
    if (c == '|' || c == '>') {
      read_block(c == '>', indent);
    } else if (c == '"' || c == '\'') {
      read_quoted(at, c);
    } else if (c == '[' || c == '{') {
      read_flow(at);
    } else if (c == '\0' || c == '#' || c == '*') {
      ++m_line;
    } else {
      read_plain(at, indent);
    }
  }

  void add(Text text, YamlStyle style) {
    m_file.scalars.push_back({std::move(text), m_open.back(), style});
  }

  void read_block(bool folded, std::size_t indent) {
    Text out;
    std::size_t content = 0;
    for (++m_line; m_line < m_lines.size(); ++m_line) {
      const Line& line = m_lines[m_line];
      const std::size_t own = indent_at(m_line);
      const bool blank = line.begin + own >= line.end;
      // The file's own node has no indentation that content must exceed.
      if (!blank && own <= indent && m_open.size() > 1) {
        break;
      }
      content = content == 0 && !blank ? own : content;
      out.append(m_text.sub(line.begin + std::min(own, content), line.end));
      const bool join = folded && !blank && own == content && !out.empty();
      out.push(join ? ' ' : '\n', m_text.begin_of(line.end));
    }
    add(std::move(out), YamlStyle::block);
  }

  void move_behind(std::size_t at) {
    while (m_line < m_lines.size() && m_lines[m_line].next <= at) {
      ++m_line;
    }
    ++m_line;
  }

  void read_quoted(std::size_t at, char quote) {
    Text out;
    std::size_t i = at + 1;
    for (; i < m_text.size(); ++i) {
      if (m_text[i] == quote && quote == '\'' && m_text[i + 1] == quote) {
        ++i;
      } else if (m_text[i] == quote) {
        break;
      } else if (m_text[i] == '\\' && quote == '"') {
        ++i;
        const char c = m_text[i];
        if (c == '\n') {
          continue;
        }
        out.push(c == 'n' ? '\n' : c == 't' ? '\t' : c, m_text.begin_of(i));
        continue;
      }
      out.push(m_text[i] == '\n' ? ' ' : m_text[i], m_text.begin_of(i));
    }
    add(std::move(out), YamlStyle::plain);
    move_behind(i);
  }

  void read_flow(std::size_t at) {
    int depth = 0;
    char quote = '\0';
    std::size_t i = at;
    for (; i < m_text.size(); ++i) {
      const char c = m_text[i];
      if (quote != '\0') {
        quote = c == quote ? '\0' : quote;
      } else if (c == '"' || c == '\'') {
        quote = c;
      } else {
        depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
        if (depth == 0) {
          break;
        }
      }
    }
    add(m_text.sub(at, i + 1), YamlStyle::flow);
    move_behind(i);
  }

  void read_plain(std::size_t at, std::size_t indent) {
    Text out;
    bool more = true;
    while (more) {
      const Line& line = m_lines[m_line];
      std::size_t end = at;
      while (end < line.end && !(m_text[end] == '#' && end > at && is_blank(m_text[end - 1]))) {
        ++end;
      }
      out.append(m_text.sub(at, end).trimmed());
      ++m_line;
      more = m_line < m_lines.size() && indent_at(m_line) > indent &&
             m_lines[m_line].begin + indent_at(m_line) < m_lines[m_line].end &&
             m_text[m_lines[m_line].begin + indent_at(m_line)] != '#' && end == line.end;
      if (more) {
        out.push(' ', m_text.begin_of(line.end));
        at = m_lines[m_line].begin + indent_at(m_line);
      }
    }
    add(std::move(out), YamlStyle::plain);
  }

  const Text& m_text;
  std::vector<Line> m_lines;
  std::size_t m_line = 0;
  YamlFile m_file;
  std::vector<std::size_t> m_open;
};

} // namespace

std::size_t YamlFile::key_of(std::size_t node) const {
  while (node != 0 && nodes[node].key.empty()) {
    node = nodes[node].parent;
  }
  return node;
}

YamlFile parse_yaml(const Text& text) {
  return YamlParser(text).parse();
}

} // namespace snapfix::lint
