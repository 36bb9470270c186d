#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace snapfix::os {

/// A 128-bit XXH3 hash (https://xxhash.com): the id of a file's content, of an object, of a base.
struct Hash {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  auto operator<=>(const Hash&) const = default; // NOLINT(modernize-use-nullptr): clang-tidy 14

  /// 32 lower case hex digits, and back (nothing if `text` is not that).
  std::string hex() const;
  static std::optional<Hash> from_hex(std::string_view text);
  /// Its first 12 digits, for people.
  std::string short_hex() const;
};

/// Feeds bytes into a Hash.
class Hasher {
public:
  Hasher();
  Hasher(const Hasher&) = delete;
  Hasher& operator=(const Hasher&) = delete;
  ~Hasher();

  void add(std::span<const std::byte> bytes) noexcept;
  void add(std::string_view text) noexcept;
  /// Adds the bytes of a number in host order.
  void add_number(std::uint64_t number) noexcept;
  void add_zeros(std::uint64_t count) noexcept;
  Hash finish() const noexcept;

private:
  struct State;
  State* m_state;
};

Hash hash_of(std::string_view text) noexcept;

} // namespace snapfix::os
