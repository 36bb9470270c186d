#pragma once

#include "os/dir.hpp"
#include "snapshot/manifest.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace snapfix::snapshot {

/// What a tree was made of before it is updated: tells the source's old files in it from what jobs
/// have made. Base and manifest must outlive it.
class OldTree {
public:
  OldTree(const Base& base, const SnapshotManifest& manifest);

  /// Removes a file if it still is what it was made as. Whether it is gone. Throws os::Error.
  bool clear_file(const os::Dir& dir, const std::string& folder_path, const char* name,
                  const os::Stat& stat) const;

  /// Removes from a folder what is still as it was made, then the folder itself if nothing is left
  /// in it. Whether it is gone. Throws os::Error.
  bool clear_folder(const os::Dir& parent, const char* name, const std::string& path) const;

private:
  bool holds(const os::Dir& dir, const std::string& folder_path, const char* name,
             const char* where, const os::Stat& stat) const;
  bool is_as_made(std::size_t index, const os::Dir& dir, const char* where,
                  const os::Stat& stat) const;

  const Base& m_base;
  const SnapshotManifest& m_manifest;
  std::unordered_map<std::string_view, const FolderRecord*> m_folders; ///< by path
};

} // namespace snapfix::snapshot
