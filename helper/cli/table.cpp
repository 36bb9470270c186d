#include "cli/table.hpp"

#include "os/error.hpp"
#include "os/format.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

namespace snapfix::cli {
namespace {

struct Range {
  std::uint32_t first;
  std::uint32_t last;
};

// East Asian wide and full-width characters and emoji, and combining ones, by blocks.
constexpr std::array<Range, 13> k_wide{{{0x1100, 0x115F},
                                        {0x231A, 0x231B},
                                        {0x2E80, 0x303E},
                                        {0x3041, 0x33FF},
                                        {0x3400, 0x4DBF},
                                        {0x4E00, 0xA4CF},
                                        {0xA960, 0xA97F},
                                        {0xAC00, 0xD7A3},
                                        {0xF900, 0xFAFF},
                                        {0xFE30, 0xFE6F},
                                        {0xFF01, 0xFF60},
                                        {0x1F300, 0x1FAFF},
                                        {0x20000, 0x3FFFD}}};
constexpr std::array<Range, 8> k_combining{{{0x0300, 0x036F},
                                            {0x0483, 0x0489},
                                            {0x0591, 0x05BD},
                                            {0x1AB0, 0x1AFF},
                                            {0x1DC0, 0x1DFF},
                                            {0x200B, 0x200F},
                                            {0x20D0, 0x20FF},
                                            {0xFE00, 0xFE0F}}};

template<std::size_t Count>
bool holds(const std::array<Range, Count>& ranges, std::uint32_t character) {
  return std::ranges::any_of(ranges, [character](const Range& range) {
    return range.first <= character && character <= range.last;
  });
}

std::size_t columns_of_character(std::uint32_t character) {
  return holds(k_combining, character) ? 0 : holds(k_wide, character) ? 2 : 1;
}

/// The characters of a text that is UTF-8.
std::vector<std::uint32_t> characters_of(std::string_view text) {
  std::vector<std::uint32_t> out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xC0U) == 0x80U && !out.empty()) {
      out.back() = out.back() << 6U | (byte & 0x3FU);
    } else {
      out.push_back(byte < 0x80U   ? byte
                    : byte < 0xE0U ? byte & 0x1FU
                    : byte < 0xF0U ? byte & 0x0FU
                                   : byte & 0x07U);
    }
  }
  return out;
}

} // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t out = 0;
  for (const auto character : characters_of(text)) {
    out += columns_of_character(character);
  }
  return out;
}

std::string on_one_line(const std::string& text) {
  std::string quoted = os::quoted(text);
  return quoted == "'" + text + "'" ? text : quoted;
}

void Table::print(const char* indent) const {
  constexpr std::string_view k_gap = "  ";
  std::vector<std::size_t> widths(m_columns.size());
  for (const auto& row : m_rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], columns_of(row[i]));
    }
  }
  for (const auto& row : m_rows) {
    std::string line = indent;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - columns_of(row[i]), ' ');
      line += i == 0 ? "" : k_gap;
      line += m_columns[i] == Align::right ? padding + row[i] : row[i] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    os::print("{}\n", line);
  }
}

} // namespace snapfix::cli
