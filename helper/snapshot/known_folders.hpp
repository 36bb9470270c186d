#pragma once

#include "snapshot/manifest.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace snapfix::snapshot {

/// What is known of a tree that is to be refreshed, and was made of the same base and options.
struct KnownTree {
  const SnapshotManifest& manifest;
  const std::vector<FolderState>& pristine; ///< the base's folders; those that are known stay
};

/// Tells which folders of a tree need no look.
class KnownFolders {
public:
  /// `children`: for each folder of the base those in it that the tree is to have. Without `tree`
  /// no folder is known. Both of the base and the children must outlive this.
  KnownFolders(const Base& base, const std::vector<std::vector<std::size_t>>& children,
               const KnownTree* tree);

  /// Whether what the folder itself and its files are is known.
  bool has(std::size_t folder) const { return m_known[folder] != Known::no; }

  /// Whether something may be left to do in the folder or below it.
  bool needs_look(std::size_t folder) const { return m_known[folder] != Known::with_all_below; }

  /// The folder is not there any more, and so nothing below it.
  void forget(std::size_t folder);

private:
  enum class Known : std::uint8_t { no, alone, with_all_below };

  const std::vector<std::vector<std::size_t>>& m_children;
  std::vector<Known> m_known;
};

} // namespace snapfix::snapshot
