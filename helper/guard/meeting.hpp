#pragma once

#include "guard/place.hpp"
#include "os/fd.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace snapfix::guard {

// Several guards may protect one snapshot, each for a task of a group, maybe on another host or in
// a container that sees the snapshot elsewhere. They meet in a folder: there they take turns at a
// file, so that there is one private copy, and tell each other where it is.

/// The private copy of a shared file.
struct Copy {
  std::string path;
  std::uint64_t inode = 0;
};

/// A turn, until destruction. Without a folder to meet in, or where that cannot be used, it is
/// nothing: then nobody else is there.
class Turn {
public:
  /// At the shared file of that inode.
  Turn(const std::string& folder, std::uint64_t inode);
  /// At the names of the snapshot and the times of its folders: while the other turn lasts, and for
  /// as short as can be.
  static Turn at_names(const std::string& folder) { return {folder, 0}; }

  bool is_needed() const noexcept { return static_cast<bool>(m_file); }

private:
  os::UniqueFd m_file;
};

/// Tells the others of a copy; its path is relative to the snapshot. In the turn at its file.
void tell_of_copy(const std::string& folder, std::uint64_t shared, const Copy& copy);

/// What one of them has told; nothing if nobody did.
std::optional<Copy> copy_told(const std::string& folder, std::uint64_t shared);

} // namespace snapfix::guard
