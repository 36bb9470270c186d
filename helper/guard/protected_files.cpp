#include "guard/protected_files.hpp"

#include <bit>

namespace snapfix::guard {

ProtectedFiles::ProtectedFiles(std::uint64_t device, std::span<const std::uint64_t> inodes)
    : m_device(device), m_table(std::bit_ceil(inodes.size() * 2 + 1)) {
  for (const std::uint64_t inode : inodes) {
    m_table[slot_of(inode)] = inode;
  }
}

bool ProtectedFiles::contains(std::uint64_t device, std::uint64_t inode) const noexcept {
  return device == m_device && inode != 0 && m_table[slot_of(inode)] == inode;
}

/// Where the inode is, or would be.
std::size_t ProtectedFiles::slot_of(std::uint64_t inode) const noexcept {
  constexpr std::uint64_t k_golden = 0x9e3779b97f4a7c15; // Fibonacci hashing: inodes come in rows
  const std::size_t mask = m_table.size() - 1;
  auto slot = static_cast<std::size_t>((inode * k_golden) >> 20U) & mask;
  while (m_table[slot] != 0 && m_table[slot] != inode) {
    slot = (slot + 1) & mask;
  }
  return slot;
}

} // namespace snapfix::guard
