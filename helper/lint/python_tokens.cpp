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
      const std::size_t begin = m_pos;
      if (is_blank(c)) {
        ++m_pos;
      } else if (m_text.starts(m_pos, "\\\n")) {
        m_pos += 2;
      } else if (c == '#') {
        m_pos = std::min(m_text.chars().find('\n', m_pos), m_text.size());
      } else if (c == '\n') {
        ++m_pos;
        if (m_open.empty()) {
          add(PythonToken::Kind::other, begin, m_text.sub(begin, m_pos), '"');
        }
      } else if (string_prefix() != std::string_view::npos) {
        read_string(string_prefix());
      } else if (is_name_part(c)) {
        while (is_name_part(m_text[m_pos])) {
          ++m_pos;
        }
        add(PythonToken::Kind::name, begin, m_text.sub(begin, m_pos), '"');
      } else {
        if (is_any(c, ")]}") && !m_open.empty()) {
          m_open.pop_back();
        }
        m_pos += m_text[m_pos + 1] == '=' && is_any(c, "=!+<>:") ? 2 : 1;
        add(PythonToken::Kind::other, begin, m_text.sub(begin, m_pos), '"');
        if (is_any(c, "([{") && m_open.size() < k_deepest) {
          m_open.push_back(m_tokens.size() - 1);
        }
      }
    }
    for (PythonToken& token : m_tokens) {
      token.bracket = std::min(token.bracket, m_tokens.size());
    }
    return std::move(m_tokens);
  }

private:
  static constexpr std::size_t k_deepest = 100;

  static bool is_name_part(char c) {
    return is_name_char(c) || static_cast<unsigned char>(c) >= 0x80;
  }

  void add(PythonToken::Kind kind, std::size_t begin, const Text& text, char quote) {
    m_tokens.push_back({kind, text, m_text.begin_of(begin), m_text.end_of(m_pos), quote,
                        m_open.empty() ? std::string::npos : m_open.back()});
  }

  /// The length of what stands before a string's quote here, npos if no string begins.
  std::size_t string_prefix() const {
    std::size_t i = 0;
    while (i < 2 && is_any(m_text[m_pos + i], "rRbBfFuUtT")) {
      ++i;
    }
    return is_any(m_text[m_pos + i], "\"'") ? i : std::string_view::npos;
  }

  void read_string(std::size_t prefix) {
    const std::size_t begin = m_pos;
    const bool raw = contains(lower(m_text.sub(m_pos, m_pos + prefix).chars()), "r");
    m_pos += prefix;
    const char quote = m_text[m_pos];
    const std::string triple(3, quote);
    const std::string end = m_text.starts(m_pos, triple) ? triple : triple.substr(0, 1);
    Text value;
    for (m_pos += end.size(); m_pos < m_text.size() && !m_text.starts(m_pos, end); ++m_pos) {
      char c = m_text[m_pos];
      if (c == '\n' && end.size() == 1) {
        break;
      }
      if (c == '\\' && !raw) {
        c = m_text[++m_pos];
        if (c == '\n') {
          continue;
        }
        c = c == 'n' ? '\n' : c == 't' ? '\t' : c;
      }
      value.push(c, m_text.begin_of(m_pos));
    }
    m_pos += m_text.starts(m_pos, end) ? end.size() : 0;
    if (!m_tokens.empty() && m_tokens.back().kind == PythonToken::Kind::string) {
      m_tokens.back().text.append(value); // adjacent strings are one
      m_tokens.back().end = m_text.end_of(m_pos);
    } else {
      add(PythonToken::Kind::string, begin, value, quote);
    }
  }

  const Text& m_text;
  std::size_t m_pos = 0;
  std::vector<std::size_t> m_open; ///< brackets
  std::vector<PythonToken> m_tokens;
};

} // namespace

std::vector<PythonToken> python_tokens(const Text& text) {
  return PythonTokenizer(text).read();
}

} // namespace snapfix::lint
