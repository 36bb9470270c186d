#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace snapfix::cli {

/// How many columns of a terminal a text takes: wide characters two, those that go onto the one
/// before them none.
std::size_t columns_of(std::string_view text);

/// A path or name for people: as it is, or quoted where it holds what would break the line.
std::string on_one_line(const std::string& text);

/// Lines of columns, each as wide as its widest cell.
class Table {
public:
  enum class Align { left, right };

  explicit Table(std::vector<Align> columns) : m_columns(std::move(columns)) {}

  /// A cell for each column.
  void add(std::vector<std::string> row) { m_rows.push_back(std::move(row)); }

  /// On stdout, each line behind `indent`.
  void print(const char* indent = "") const;

private:
  std::vector<Align> m_columns;
  std::vector<std::vector<std::string>> m_rows;
};

} // namespace snapfix::cli
