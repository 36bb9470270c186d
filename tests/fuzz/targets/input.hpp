#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

/// The fuzzer's bytes as text.
inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size}; // NOLINT(*-reinterpret-cast)
}

/// Ends the process where something does not hold, which the fuzzer takes for a finding.
inline void require(bool holds) {
  if (!holds) {
    std::abort();
  }
}
