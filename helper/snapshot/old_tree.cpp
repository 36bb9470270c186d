#include "snapshot/old_tree.hpp"

#include "os/remove_tree.hpp"

namespace snapfix::snapshot {
namespace {

constexpr std::uint32_t k_owner_all = 0700;

} // namespace

OldTree::OldTree(const Base& base, const SnapshotManifest& manifest)
    : m_base(base), m_manifest(manifest) {
  for (const auto& folder : base.folders()) {
    m_folders.emplace(base.text(folder.path), &folder);
  }
}

bool OldTree::holds(const os::Dir& dir, const std::string& folder_path, const char* name,
                    const os::Stat& stat) const {
  const auto folder = m_folders.find(folder_path);
  const auto at = folder == m_folders.end() ? std::nullopt : m_base.find_in(*folder->second, name);
  if (!at) {
    return false;
  }
  const std::size_t index = folder->second->first_file + *at;
  const FileRecord& file = m_base.files()[index];
  switch (m_manifest.made[index]) {
  case Made::excluded:
    return false;
  case Made::symlink:
    return stat.is_symlink() && dir.read_symlink(name) == m_base.text(file.target);
  default:
    return stat.inode == m_manifest.inodes[index] && file.agrees_with(stat);
  }
}

bool OldTree::clear_folder(const os::Dir& parent, const char* name, const std::string& path) const {
  if (!m_folders.contains(path)) {
    return false;
  }
  const auto permissions = parent.stat_of(name).permissions();
  const bool is_closed = (permissions & k_owner_all) != k_owner_all;
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
    } else if (holds(dir, path, child, *stat)) {
      dir.unlink_if_present(child);
    } else {
      is_empty = false;
    }
  }
  const bool is_gone = is_empty && os::remove_tree(parent, name).empty();
  if (!is_gone && is_closed) {
    dir.set_permissions(permissions);
  }
  return is_gone;
}

} // namespace snapfix::snapshot
