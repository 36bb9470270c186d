#pragma once

#include "os/words.hpp"
#include "snapshot/snapshot.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// A file or symlink on one side of a comparison.
struct Entry {
  std::uint32_t mode = 0; ///< as git has it: 0100644, 0100755, 0120000
  std::uint64_t size = 0;
  std::uint64_t inode = 0; ///< of the root's file system; 0 if it is not known
  os::Time mtime;
  os::Hash content;   ///< zero if it is not known
  std::string target; ///< a symlink's text

  bool is_symlink() const noexcept { return S_ISLNK(mode); }
};

/// The files and symlinks of a tree, by path. What lies in a `.git` is left out, and so are folders
/// by themselves, FIFOs, sockets and devices, and what is mounted.
class Side {
public:
  /// A snapshot as it stands. Throws os::Error.
  static Side of_tree(const Snapshot& snapshot);

  /// What a snapshot was made of: its base, less what was excluded. Throws os::Error.
  static Side of_base(const Snapshot& snapshot);

  const std::map<std::string, Entry>& entries() const noexcept { return m_entries; }

  /// Opens the content of a file of it. Throws os::Error.
  os::UniqueFd open(const std::string& path) const { return m_open(path); }

private:
  std::map<std::string, Entry> m_entries;
  std::function<os::UniqueFd(const std::string&)> m_open;
};

enum class NameChange : std::uint8_t { added, deleted, modified, type };

struct ChangedName {
  std::string path;
  NameChange change = NameChange::modified;
};

/// By path, in byte order. A file is modified if its content or the executable bit differs.
/// Throws os::Error.
std::vector<ChangedName> compare(const Side& before, const Side& after);

} // namespace snapfix::snapshot

/// git's letters.
template<>
inline constexpr std::array snapfix::os::k_words<snapfix::snapshot::NameChange>{"A", "D", "M", "T"};
