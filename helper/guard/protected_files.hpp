#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace snapfix::guard {

/// The inodes of one snapshot that other trees share. It goes by the list alone, never by a link
/// count: a descriptor may reach a shared file that has only one name left.
class ProtectedFiles {
public:
  /// `device`: of the file system that the inodes are of, as stat(2) tells it now.
  ProtectedFiles(std::uint64_t device, std::span<const std::uint64_t> inodes);

  std::uint64_t device() const noexcept { return m_device; }
  bool contains(std::uint64_t device, std::uint64_t inode) const noexcept;

private:
  std::size_t slot_of(std::uint64_t inode) const noexcept;

  std::uint64_t m_device;
  std::vector<std::uint64_t> m_table; ///< open addressing; 0 is no inode
};

} // namespace snapfix::guard
