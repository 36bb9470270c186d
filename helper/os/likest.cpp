#include "os/likest.hpp"

#include <algorithm>

namespace snapfix::os {
namespace {

std::size_t edit_distance(const std::string& left, const std::string& right) {
  std::vector<std::size_t> row(right.size() + 1);
  for (std::size_t j = 0; j <= right.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= left.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= right.size(); ++j) {
      const std::size_t changed = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

} // namespace

std::optional<std::string> likest(const std::string& word,
                                  const std::vector<std::string>& candidates) {
  std::optional<std::string> out;
  std::size_t best = word.size() / 3 + 1;
  for (const auto& candidate : candidates) {
    const bool abbreviates = word.size() >= 2 && candidate.starts_with(word);
    const std::size_t distance = abbreviates ? 0 : edit_distance(word, candidate);
    if (distance <= best && (!out || distance < best)) {
      best = distance;
      out = candidate;
    }
  }
  return out;
}

} // namespace snapfix::os
