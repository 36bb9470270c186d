#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace snapfix::os {

/// The words of an enum, in the order of its values, which count from zero: for options, for what
/// is written and for what is read. Specialized beside each enum that has some.
template<typename Enum> inline constexpr std::array<const char*, 0> k_words{};

template<typename Enum> constexpr const char* word_of(Enum value) {
  return k_words<Enum>.at(static_cast<std::size_t>(value));
}

/// Nothing where no value has that word.
template<typename Enum> std::optional<Enum> from_word(std::string_view word) {
  const auto found = std::ranges::find(k_words<Enum>, word);
  return found == k_words<Enum>.end()
             ? std::nullopt
             : std::optional(static_cast<Enum>(found - k_words<Enum>.begin()));
}

/// All of them, with a `|` between them, as a usage line shows a choice.
template<typename Enum> std::string choice_of() {
  std::string out;
  for (const char* word : k_words<Enum>) {
    out += out.empty() ? "" : "|";
    out += word;
  }
  return out;
}

} // namespace snapfix::os
