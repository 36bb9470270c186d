#include "lint/python_tokens.hpp"

#include <string_view>

namespace snapfix::lint {
namespace {

class PythonTokenizer {
public:
  explicit PythonTokenizer(const Text& text) : m_text(text) {}

  std::vector<PythonToken> read() {
    while (m_pos < m_text.size()) {
      const char c = m_text[m_pos];
      if (is_blank(c)) {
        ++m_pos;
      } else if (m_text.starts(m_pos, "\\\n")) {
        m_pos += 2;
      } else if (c == '#') {
        while (m_pos < m_text.size() && m_text[m_pos] != '\n') {
          ++m_pos;
        }
      } else if (c == '\n') {
        if (m_open == 0) {
          add(PythonToken::Kind::other, m_pos, m_pos + 1);
        }
        ++m_pos;
      } else if (string_prefix() != std::string_view::npos) {
        read_string(string_prefix());
      } else if (is_name_char(c) || static_cast<unsigned char>(c) >= 0x80) {
        const std::size_t begin = m_pos;
        while (is_name_char(m_text[m_pos]) || static_cast<unsigned char>(m_text[m_pos]) >= 0x80) {
          ++m_pos;
        }
        add(PythonToken::Kind::name, begin, m_pos);
      } else {
        read_operator();
      }
    }
    return std::move(m_tokens);
  }

private:
  void add(PythonToken::Kind kind, std::size_t begin, std::size_t end) {
    m_tokens.push_back(
        {kind, m_text.sub(begin, end), m_text.begin_of(begin), m_text.end_of(end), '"'});
  }

  /// The length of what stands before a string's quote here, npos if no string begins.
  std::size_t string_prefix() const {
    std::size_t i = 0;
    while (i < 2 &&
           std::string_view("rRbBfFuUtT").find(m_text[m_pos + i]) != std::string_view::npos) {
      ++i;
    }
    return m_text[m_pos + i] == '"' || m_text[m_pos + i] == '\'' ? i : std::string_view::npos;
  }

  void read_operator() {
    const char c = m_text[m_pos];
    m_open += c == '(' || c == '[' || c == '{' ? 1 : 0;
    m_open -= (c == ')' || c == ']' || c == '}') && m_open > 0 ? 1 : 0;
    const bool two =
        m_text[m_pos + 1] == '=' && std::string_view("=!+<>:").find(c) != std::string_view::npos;
    add(PythonToken::Kind::other, m_pos, m_pos + (two ? 2 : 1));
    m_pos += two ? 2 : 1;
  }

  void read_string(std::size_t prefix) {
    const std::size_t begin = m_pos;
    bool raw = false;
    for (std::size_t i = 0; i < prefix; ++i) {
      raw = raw || m_text[m_pos + i] == 'r' || m_text[m_pos + i] == 'R';
    }
    m_pos += prefix;
    const char quote = m_text[m_pos];
    const std::string triple(3, quote);
    const bool long_string = m_text.starts(m_pos, triple);
    m_pos += long_string ? 3 : 1;
    Text value;
    while (m_pos < m_text.size()) {
      const char c = m_text[m_pos];
      if (long_string ? m_text.starts(m_pos, triple) : c == quote || c == '\n') {
        break;
      }
      if (c == '\\') {
        ++m_pos;
        if (raw) {
          value.push('\\', m_text.begin_of(m_pos - 1));
        } else if (m_text[m_pos] == '\n') {
          ++m_pos;
          continue;
        } else {
          const char e = m_text[m_pos];
          value.push(e == 'n' ? '\n' : e == 't' ? '\t' : e, m_text.begin_of(m_pos));
          ++m_pos;
          continue;
        }
      }
      value.push(m_text[m_pos], m_text.begin_of(m_pos));
      ++m_pos;
    }
    m_pos += long_string ? 3 : m_text[m_pos] == quote ? 1 : 0;
    add_string(value, begin, quote);
  }

  /// Adjacent strings are one.
  void add_string(const Text& value, std::size_t begin, char quote) {
    const bool joins = !m_tokens.empty() && m_tokens.back().kind == PythonToken::Kind::string;
    if (joins) {
      m_tokens.back().text.append(value);
      m_tokens.back().end = m_text.end_of(m_pos);
    } else {
      m_tokens.push_back(
          {PythonToken::Kind::string, value, m_text.begin_of(begin), m_text.end_of(m_pos), quote});
    }
  }

  const Text& m_text;
  std::size_t m_pos = 0;
  int m_open = 0;
  std::vector<PythonToken> m_tokens;
};

} // namespace

std::vector<PythonToken> python_tokens(const Text& text) {
  return PythonTokenizer(text).read();
}

} // namespace snapfix::lint
