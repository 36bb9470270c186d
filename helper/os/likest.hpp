#pragma once

#include <optional>
#include <string>
#include <vector>

namespace snapfix::os {

/// The candidate that is likest to `word`, if any is like it: an abbreviation, or a few letters
/// off. For messages that ask what was meant.
std::optional<std::string> likest(const std::string& word,
                                  const std::vector<std::string>& candidates);

} // namespace snapfix::os
