#pragma once

#include "lint/call.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace snapfix::lint {

/// What the readers of makefiles, justfiles and Dockerfiles share: these go line by line.
class LineReader {
public:
  LineReader(const Text& text, Variables variables, Reading& reading, int depth)
      : m_text(text), m_lines(lines_of(text.chars())), m_variables(std::move(variables)),
        m_reading(reading), m_depth(depth) {}

protected:
  enum class Comments { kept, dropped };

  struct Definition {
    std::string name;
    Text value;
    bool exported = false;
    bool appends = false;
  };

  bool has_more() const { return m_line < m_lines.size() && m_reading.left != 0; }
  /// The line that comes next, or the one `ahead` of it, without its end.
  std::string_view peek(std::size_t ahead = 0) const;
  /// It, with those that a backslash joins to it and the tab of a recipe taken off each;
  /// `comments` are lines between these.
  Text next_line(Comments comments = Comments::kept);

  /// `export NAME := value`, with any sign of assignment.
  static std::optional<Definition> definition_of(const Text& line);

  /// What programs that are started see of the variables.
  Variables exported(const Variables& variables) const;

  void read_script(const Text& script, Variables variables);
  /// A recipe that was read from `text`, with variables put in: what was found elsewhere, since
  /// there were `known` findings, stands in their values.
  void place_findings(const Text& text, std::size_t known);

  const Text& m_text;
  std::vector<Line> m_lines;
  std::size_t m_line = 0;
  Variables m_variables;
  Reading& m_reading;
  int m_depth;
};

} // namespace snapfix::lint
