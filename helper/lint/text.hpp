#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::lint {

/// Text as a reader of some language sees it (quotes, indentation and escapes of the language
/// around it removed), and for each byte where it stands in the file.
class Text {
public:
  Text() = default;
  /// A whole file, or what stands at `offset` of it.
  explicit Text(std::string_view chars, std::size_t offset = 0);

  void push(char c, std::size_t offset) {
    m_chars.push_back(c);
    m_offsets.push_back(offset);
  }
  void append(const Text& other);

  /// The byte at `i`, or 0 behind the end.
  char operator[](std::size_t i) const noexcept { return i < m_chars.size() ? m_chars[i] : '\0'; }
  std::size_t size() const noexcept { return m_chars.size(); }
  bool empty() const noexcept { return m_chars.empty(); }
  const std::string& chars() const noexcept { return m_chars; }
  bool starts(std::size_t i, std::string_view what) const noexcept {
    return i <= m_chars.size() && std::string_view(m_chars).substr(i, what.size()) == what;
  }

  /// Where the byte at `i` stands in the file, and where the byte before `i` ends.
  std::size_t begin_of(std::size_t i) const noexcept;
  std::size_t end_of(std::size_t i) const noexcept;

  Text sub(std::size_t begin, std::size_t end) const;
  Text trimmed() const;

private:
  std::string m_chars;
  std::vector<std::size_t> m_offsets;
};

/// One line of a file without its line end; `next` is where the following one begins.
struct Line {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t next = 0;
};

std::vector<Line> lines_of(std::string_view file);

/// How many spaces and tabs `line` begins with.
std::size_t indent_of(std::string_view line) noexcept;
std::string_view trim(std::string_view text) noexcept;
bool is_name(std::string_view text) noexcept;
bool is_name_char(char c) noexcept;
bool is_blank(char c) noexcept;
bool is_any(char c, std::string_view of) noexcept;

/// How many brackets and braces stand open at once, at the most.
int deepest_brackets(std::string_view text) noexcept;
std::string lower(std::string_view text);
/// What stands behind the last slash.
std::string_view base_name(std::string_view path) noexcept;
bool contains(std::string_view text, std::string_view what) noexcept;
/// Whether `word` is one of `list`, in which a blank stands before and behind each.
bool is_in(std::string_view list, std::string_view word) noexcept;

} // namespace snapfix::lint
