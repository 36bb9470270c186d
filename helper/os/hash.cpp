#include "os/hash.hpp"

#include "os/format.hpp"

#include <xxhash.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <new>

namespace snapfix::os {

std::string Hash::hex() const {
  return os::format("{:016x}{:016x}", high, low);
}

std::string Hash::short_hex() const {
  constexpr std::size_t k_digits = 12;
  return hex().substr(0, k_digits);
}

std::optional<Hash> Hash::from_hex(std::string_view text) {
  Hash out;
  if (text.size() != 32 || text.find_first_not_of("0123456789abcdef") != std::string_view::npos) {
    return std::nullopt;
  }
  std::from_chars(text.data(), text.data() + 16, out.high, 16);
  std::from_chars(text.data() + 16, text.data() + 32, out.low, 16);
  return out;
}

struct Hasher::State {
  XXH3_state_t* xxh = nullptr;
};

Hasher::Hasher() : m_state(new State) {
  m_state->xxh = XXH3_createState();
  if (m_state->xxh == nullptr) {
    delete m_state;
    throw std::bad_alloc();
  }
  XXH3_128bits_reset(m_state->xxh);
}

Hasher::~Hasher() {
  XXH3_freeState(m_state->xxh);
  delete m_state;
}

void Hasher::add(std::span<const std::byte> bytes) noexcept {
  XXH3_128bits_update(m_state->xxh, bytes.data(), bytes.size());
}

void Hasher::add(std::string_view text) noexcept {
  add(std::as_bytes(std::span(text)));
}

void Hasher::add_number(std::uint64_t number) noexcept {
  add(std::as_bytes(std::span(&number, 1)));
}

void Hasher::add_zeros(std::uint64_t count) noexcept {
  static const std::array<std::byte, 65536> k_zeros{};
  while (count > 0) {
    const auto part = std::min<std::uint64_t>(count, k_zeros.size());
    add(std::span(k_zeros).first(static_cast<std::size_t>(part)));
    count -= part;
  }
}

Hash Hasher::finish() const noexcept {
  const XXH128_hash_t digest = XXH3_128bits_digest(m_state->xxh);
  return {digest.high64, digest.low64};
}

Hash hash_of(std::string_view text) noexcept {
  const XXH128_hash_t digest = XXH3_128bits(text.data(), text.size());
  return {digest.high64, digest.low64};
}

} // namespace snapfix::os
