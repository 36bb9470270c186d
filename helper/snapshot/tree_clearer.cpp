#include "snapshot/tree_clearer.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/remove_tree.hpp"

#include <algorithm>
#include <cstring>

namespace snapfix::snapshot {
namespace {

constexpr const char* k_default_acl = "system.posix_acl_default";

} // namespace

void TreeClearer::require_attributes_told() const {
  if (m_old == nullptr && is_inherited(k_default_acl)) {
    throw os::Error(
        "new folders inherit ACLs: those that jobs have changed cannot be told from them");
  }
}

void TreeClearer::take_back_attributes(const os::Dir& dir) const {
  if (m_old != nullptr) {
    return;
  }
  if (m_flags && dir.flags() != *m_flags) {
    throw os::Error(os::format("a job set flags of {}", os::quoted(dir.path())));
  }
  for (const auto& name : dir.xattrs()) {
    if (!is_inherited(name)) {
      dir.remove_xattr(name.c_str());
    }
  }
}

bool TreeClearer::is_inherited(const std::string& attribute) const {
  return std::ranges::find(m_work_xattrs, attribute) != m_work_xattrs.end();
}

bool TreeClearer::is_ours(const os::Stat& stat) const {
  // Where new folders get the group of the one above, they have only that.
  const bool is_inherited = (m_work.mode & S_ISGID) != 0;
  return stat.owner == os::effective_user() &&
         (m_old != nullptr || stat.group == m_work.group ||
          (stat.group == os::effective_group() && !is_inherited));
}

void TreeClearer::open_up_children(const os::Dir& dir, std::size_t index) const {
  for (const std::size_t child : m_children[index]) {
    if (m_known.needs_look(child)) {
      const auto stat = dir.stat_of(name_of(child));
      if (!is_ours(stat)) {
        throw os::Error(os::format("{} was given away", os::quoted(dir.path_of(name_of(child)))));
      }
      let_in(dir, child, stat);
    }
  }
}

void TreeClearer::let_in(const os::Dir& dir, std::size_t child, const os::Stat& stat) const {
  if ((stat.mode & os::k_owner_all) != os::k_owner_all && m_known.needs_look(child)) {
    os::open_up(dir, name_of(child));
  }
}

/// The place among the children of a folder.
std::optional<std::size_t> TreeClearer::find_child(std::size_t index, const char* name) const {
  const auto& children = m_children[index]; // siblings are in byte order
  const auto found =
      std::ranges::lower_bound(children, std::string_view(name), {}, [this](std::size_t child) {
        return std::string_view(name_of(child));
      });
  const bool there = found != children.end() && std::strcmp(name_of(*found), name) == 0;
  return there ? std::optional(static_cast<std::size_t>(found - children.begin())) : std::nullopt;
}

/// The place among the files of a folder of one that is to be there.
std::optional<std::size_t> TreeClearer::find_file(std::size_t index, const char* name) const {
  const FolderRecord& folder = m_base.folders()[index];
  const auto at = m_base.find_in(folder, name);
  const bool is_wanted = at && m_placer.wanted_for(m_base.text(folder.path),
                                                   m_base.files_of(folder)[*at]) != Made::excluded;
  return is_wanted ? at : std::nullopt;
}

TreeClearer::Standing TreeClearer::clear_differing(const os::Dir& dir, std::size_t index) {
  const FolderRecord& folder = m_base.folders()[index];
  Standing out{std::vector<bool>(folder.file_count), std::vector<bool>(m_children[index].size())};
  const std::string path = m_base.text(folder.path);
  for (const auto& entry : dir.entries()) {
    const char* name = entry.name.c_str();
    const auto stat = dir.try_stat(name);
    if (!stat) {
      continue; // a job is at work there
    }
    if (stat->is_folder()) {
      const auto child = find_child(index, name);
      if (child && is_ours(*stat)) {
        let_in(dir, m_children[index][*child], *stat);
        out.children[*child] = true;
        continue;
      }
    } else if (const auto at = find_file(index, name)) {
      if (stands(dir, folder.first_file + *at, *stat, path)) {
        out.files[*at] = true;
        continue;
      }
    }
    clear_entry(dir, index, name, *stat);
  }
  return out;
}

void TreeClearer::clear_entry(const os::Dir& dir, std::size_t index, const char* name,
                              const os::Stat& stat) const {
  const bool is_base_file = find_file(index, name).has_value();
  if (m_old != nullptr && (stat.is_folder() || !is_base_file)) {
    const std::string folder_path = m_base.text(m_base.folders()[index].path);
    const std::string path = folder_path.empty() ? name : folder_path + "/" + name;
    if (stat.is_folder() && is_ours(stat) && m_old->clear_folder(dir, name, path)) {
      return;
    }
    if (!stat.is_folder() && m_old->clear_file(dir, folder_path, name, stat)) {
      return;
    }
    if (is_base_file || find_child(index, name)) {
      throw os::Error(os::format("{} was made by a job, or given away, where the source has a {}",
                                 os::quoted(path), is_base_file ? "file" : "folder"),
                      "move it away, then update again");
    }
    return;
  }
  if (m_old != nullptr) { // never what a job has put there since, if that is a folder
    dir.unlink_if_present(name);
    return;
  }
  const auto left = os::remove_tree(dir, name);
  if (!left.empty()) {
    throw os::Error("cannot remove " + left.front());
  }
}

/// Whether the entry that is there may stay.
bool TreeClearer::stands(const os::Dir& dir, std::size_t index, const os::Stat& stat,
                         const std::string& folder_path) {
  const FileRecord& file = m_base.files()[index];
  const char* name = m_base.text(file.name);
  const Made wanted = m_placer.wanted_for(folder_path, file);
  if (wanted == Made::symlink) {
    const bool same =
        stat.is_symlink() && is_ours(stat) && stat.mtime == file.mtime() &&
        dir.read_symlink(name) == m_base.text(file.target) &&
        std::ranges::all_of(dir.xattrs_of_symlink(name),
                            [this](const auto& attribute) { return is_inherited(attribute); });
    m_out.made[index] = same ? Made::symlink : Made::excluded;
    return same;
  }
  if (wanted != Made::linked || !stat.is_file() || stat.inode != file.inode) {
    return false;
  }
  if (!m_placer.is_sound(file, stat)) { // it is the object itself, and that was written to
    m_placer.remember_damage(index);
  }
  m_out.made[index] = Made::linked;
  m_out.inodes[index] = file.inode;
  return true;
}

} // namespace snapfix::snapshot
