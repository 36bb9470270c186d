#include "snapshot/old_tree.hpp"

#include "os/remove_tree.hpp"

namespace snapfix::snapshot {
namespace {} // namespace

OldTree::OldTree(const Base& base, const SnapshotManifest& manifest)
    : m_base(base), m_manifest(manifest) {
  for (const auto& folder : base.folders()) {
    m_folders.emplace(base.text(folder.path), &folder);
  }
}

/// Whether a file of that folder, which is now at `where` in it, is still what it was made as.
bool OldTree::holds(const os::Dir& dir, const std::string& folder_path, const char* name,
                    const char* where, const os::Stat& stat) const {
  const auto folder = m_folders.find(folder_path);
  if (folder == m_folders.end()) {
    return false;
  }
  const FolderRecord& record = *folder->second;
  if (const auto at = m_base.find_in(record, name)) {
    return is_as_made(record.first_file + *at, dir, where, stat);
  }
  if (!std::string_view(name).starts_with(os::k_aside)) {
    return false;
  }
  // An update that was killed had moved it there, whatever its name was.
  for (std::size_t i = 0; i < record.file_count; ++i) {
    if (is_as_made(record.first_file + i, dir, where, stat)) {
      return true;
    }
  }
  return false;
}

bool OldTree::is_as_made(std::size_t index, const os::Dir& dir, const char* where,
                         const os::Stat& stat) const {
  const FileRecord& file = m_base.files()[index];
  switch (m_manifest.made[index]) {
  case Made::excluded:
    return false;
  case Made::symlink:
    return stat.is_symlink() && dir.read_symlink(where) == m_base.text(file.target);
  default:
    return stat.inode == m_manifest.inodes[index] && file.agrees_with(stat);
  }
}

bool OldTree::clear_file(const os::Dir& dir, const std::string& folder_path, const char* name,
                         const os::Stat& stat) const {
  if (!holds(dir, folder_path, name, name, stat)) {
    return false;
  }
  // A job may put another one into its place between a look and its removal.
  return os::remove_if(dir, name, [&](const char* aside) {
    const auto now = dir.try_stat(aside);
    return now && !now->is_folder() && holds(dir, folder_path, name, aside, *now);
  });
}

bool OldTree::clear_folder(const os::Dir& parent, const char* name, const std::string& path) const {
  if (!m_folders.contains(path)) {
    return false;
  }
  const auto permissions = parent.stat_of(name).permissions();
  const bool is_closed = (permissions & os::k_owner_all) != os::k_owner_all;
  if (is_closed) {
    os::open_up(parent, name);
  }
  const auto dir = os::open_on_same_mount(parent, name);
  bool is_empty = true;
  for (const auto& entry : dir.entries()) {
    const char* child = entry.name.c_str();
    const auto stat = dir.try_stat(child);
    if (!stat) {
      continue; // a job is at work there
    }
    if (stat->is_folder()) {
      is_empty = clear_folder(dir, child, path + "/" + child) && is_empty;
    } else {
      is_empty = clear_file(dir, path, child, *stat) && is_empty;
    }
  }
  const bool is_gone = is_empty && os::remove_if_empty(parent, name);
  if (!is_gone && is_closed) {
    dir.set_permissions(permissions);
  }
  return is_gone;
}

} // namespace snapfix::snapshot
