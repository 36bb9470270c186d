#pragma once

#include "lint/call.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::lint {

/// What the readers of makefiles, justfiles and Dockerfiles share: these go line by line.
class LineReader {
public:
  LineReader(const Text& text, const Variables& variables, Reading& reading, int depth)
      : m_text(text), m_lines(lines_of(text.chars())), m_outer(variables), m_reading(reading),
        m_depth(depth) {}

protected:
  struct Definition {
    std::string name;
    Variable variable;
    bool appends = false;
  };

  bool has_more() const { return m_line < m_lines.size() && m_reading.left != 0; }
  /// The line that comes next, without its end.
  std::string_view peek() const;
  /// It, with those that a backslash joins to it and the tab of a recipe taken off each.
  Text next_line();

  /// `export NAME := value`, with any sign of assignment.
  static std::optional<Definition> definition_of(const Text& line);

  void read_script(const Text& script, const Variables& variables);
  /// `line` is a recipe, and `script` what it is with its variables put in.
  void read_recipe(const Text& line, const Text& script, const Variables& variables);

  const Text& m_text;
  std::vector<Line> m_lines;
  std::size_t m_line = 0;
  const Variables& m_outer;
  Variables m_variables{&m_outer};
  Reading& m_reading;
  int m_depth;
};

} // namespace snapfix::lint
