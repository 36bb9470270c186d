#include "lint/text.hpp"

#include <algorithm>

namespace snapfix::lint {

Text::Text(std::string_view chars, std::size_t offset) {
  m_chars.reserve(chars.size());
  m_offsets.reserve(chars.size());
  for (std::size_t i = 0; i < chars.size(); ++i) {
    // A carriage return is part of the line's end, no part of a word.
    if (chars[i] != '\r' || i + 1 >= chars.size() || chars[i + 1] != '\n') {
      push(chars[i], offset + i);
    }
  }
}

void Text::append(const Text& other) {
  m_chars += other.m_chars;
  m_offsets.insert(m_offsets.end(), other.m_offsets.begin(), other.m_offsets.end());
}

std::size_t Text::begin_of(std::size_t i) const noexcept {
  if (i < m_offsets.size()) {
    return m_offsets[i];
  }
  return m_offsets.empty() ? 0 : m_offsets.back() + 1;
}

std::size_t Text::end_of(std::size_t i) const noexcept {
  return i == 0 || m_offsets.empty() ? begin_of(0) : m_offsets[std::min(i, size()) - 1] + 1;
}

Text Text::sub(std::size_t begin, std::size_t end) const {
  Text out;
  for (std::size_t i = begin; i < end && i < size(); ++i) {
    out.push(m_chars[i], m_offsets[i]);
  }
  return out;
}

Text Text::trimmed() const {
  const std::size_t begin = m_chars.find_first_not_of(" \t\n");
  return sub(begin, m_chars.find_last_not_of(" \t\n") + 1);
}

std::vector<Line> lines_of(std::string_view file) {
  std::vector<Line> lines;
  for (std::size_t begin = 0; begin < file.size();) {
    std::size_t end = std::min(file.find('\n', begin), file.size());
    const std::size_t next = std::min(end + 1, file.size());
    if (end > begin && file[end - 1] == '\r') {
      --end;
    }
    lines.push_back({begin, end, next});
    begin = next;
  }
  return lines;
}

std::size_t indent_of(std::string_view line) noexcept {
  return std::min(line.find_first_not_of(" \t"), line.size());
}

std::string_view trim(std::string_view text) noexcept {
  const std::size_t begin = std::min(text.find_first_not_of(" \t\r"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

bool is_name_char(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_name(std::string_view text) noexcept {
  return !text.empty() && (text[0] < '0' || text[0] > '9') &&
         std::ranges::all_of(text, is_name_char);
}

bool is_blank(char c) noexcept {
  return c == ' ' || c == '\t';
}

bool is_any(char c, std::string_view of) noexcept {
  return of.find(c) != std::string_view::npos;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

std::string_view base_name(std::string_view path) noexcept {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

bool contains(std::string_view text, std::string_view what) noexcept {
  return text.find(what) != std::string_view::npos;
}

bool is_in(std::string_view list, std::string_view word) noexcept {
  if (word.empty() || contains(word, " ")) {
    return false;
  }
  for (auto at = list.find(word); at != std::string_view::npos; at = list.find(word, at + 1)) {
    if (at > 0 && list[at - 1] == ' ' && list.substr(at + word.size()).starts_with(' ')) {
      return true;
    }
  }
  return false;
}

int deepest_brackets(std::string_view text) noexcept {
  int open = 0;
  int most = 0;
  for (const char c : text) {
    open += c == '[' || c == '{' ? 1 : 0;
    open -= (c == ']' || c == '}') && open > 0 ? 1 : 0;
    most = std::max(most, open);
  }
  return most;
}

} // namespace snapfix::lint
