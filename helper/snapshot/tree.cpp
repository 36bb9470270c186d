#include "snapshot/tree.hpp"

#include "os/error.hpp"
#include "os/parallel.hpp"
#include "os/progress.hpp"
#include "os/remove_tree.hpp"
#include "snapshot/placer.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <unordered_map>
#include <unordered_set>

namespace snapfix::snapshot {
namespace {

constexpr std::uint32_t k_owner_all = 0700;

/// Whether the folder's mode keeps its owner from working in it.
bool is_closed(const FolderRecord& folder) {
  return (folder.permissions & k_owner_all) != k_owner_all;
}

class TreeMaker {
public:
  TreeMaker(const Root& root, const Base& base, const TreeOptions& options, const os::Dir& tree)
      : m_base(base), m_workers(options.workers), m_tree(tree), m_placer(root, base, options),
        m_progress("making the snapshot", base.files().size()) {
    m_out.made.assign(base.files().size(), Made::excluded);
    m_out.inodes.assign(base.files().size(), 0);
    for (const auto& folder : base.folders()) {
      const std::string_view path = base.text(folder.path);
      m_wanted.push_back(path.empty() || !options.exclude.matches(path));
    }
  }

  MadeTree make();
  MadeTree refresh();

private:
  os::Dir open_folder(std::string_view path) const;
  void make_folder(const FolderRecord& folder) const;
  void fill(const os::Dir& dir, const FolderRecord& folder);
  void place(const os::Dir& dir, const Placer::Origin& origin, std::size_t index,
             const std::string& folder_path);
  void refresh_folder(const os::Dir& dir, std::size_t folder_index);
  void clear_differing(const os::Dir& dir, const FolderRecord& folder,
                       const std::unordered_set<std::string_view>& folders,
                       std::unordered_map<std::string_view, std::size_t>& files);
  bool stands(const os::Dir& dir, std::size_t index, const os::Stat& stat,
              const std::string& folder_path);
  os::Dir open_or_make_child(const os::Dir& dir, const char* name) const;
  void finish_folder(const os::Dir& dir, const FolderRecord& folder) const;
  MadeTree finish();

  const Base& m_base;
  unsigned m_workers;
  const os::Dir& m_tree;
  Placer m_placer;
  std::vector<bool> m_wanted; ///< folders that are not excluded
  MadeTree m_out;
  os::Progress m_progress;
  std::vector<std::vector<std::size_t>> m_children; ///< the folders in each folder
};

/// Opens a folder of the tree, which nobody else changes; by one path where the kernel takes it.
os::Dir TreeMaker::open_folder(std::string_view path) const {
  if (path.empty()) {
    return m_tree.open_child(".");
  }
  if (path.size() < PATH_MAX) {
    return m_tree.open_child(std::string(path).c_str());
  }
  auto out = source::open_below(m_tree, path);
  if (!out) {
    throw os::Error("open the folder", {std::string(path)}, ENOENT);
  }
  return std::move(*out);
}

void TreeMaker::make_folder(const FolderRecord& folder) const {
  const std::string_view path = m_base.text(folder.path);
  if (path.empty()) {
    return;
  }
  if (path.size() < PATH_MAX) {
    m_tree.make_folder(m_base.text(folder.path), k_owner_all);
    return;
  }
  open_folder(path.substr(0, path.rfind('/'))).make_folder(m_base.text(folder.name), k_owner_all);
}

MadeTree TreeMaker::make() {
  const auto folders = m_base.folders();
  for (std::size_t i = 0; i < folders.size(); ++i) {
    if (m_wanted[i]) {
      make_folder(folders[i]);
    }
  }
  os::for_each_index(folders.size(), m_workers, [&](std::size_t i) {
    if (m_wanted[i]) {
      const os::Dir dir = open_folder(m_base.text(folders[i].path));
      fill(dir, folders[i]);
      if (!is_closed(folders[i])) {
        dir.set_permissions(folders[i].permissions);
      }
      // All folders below it were made before, so its times stay.
      dir.set_times(folders[i].mtime());
    }
  });
  // Last, from the leaves up: these modes forbid us to go through the folder.
  for (std::size_t i = folders.size(); i-- > 1;) {
    if (m_wanted[i] && is_closed(folders[i])) {
      open_folder(m_base.text(folders[i].path)).set_permissions(folders[i].permissions);
    }
  }
  return finish();
}

void TreeMaker::fill(const os::Dir& dir, const FolderRecord& folder) {
  const Placer::Origin origin = m_placer.origin_of(folder);
  const std::string path = m_base.text(folder.path);
  for (std::size_t i = 0; i < folder.file_count; ++i) {
    place(dir, origin, folder.first_file + i, path);
  }
}

void TreeMaker::place(const os::Dir& dir, const Placer::Origin& origin, std::size_t index,
                      const std::string& folder_path) {
  const auto placed = m_placer.place(dir, origin, index, folder_path);
  m_out.made[index] = placed.made;
  m_out.inodes[index] = placed.inode;
  m_progress.count();
}

MadeTree TreeMaker::finish() {
  if (auto damaged = m_placer.take_damaged(); !damaged.empty()) {
    throw DamagedObjects{std::move(damaged)};
  }
  m_out.ledger = count_made(m_base, m_out.made);
  m_out.ledger.folders =
      static_cast<std::uint64_t>(std::count(m_wanted.begin(), m_wanted.end(), true));
  return std::move(m_out);
}

MadeTree TreeMaker::refresh() {
  m_children = children_of_folders(m_base);
  refresh_folder(m_tree, 0);
  return finish();
}

void TreeMaker::refresh_folder(const os::Dir& dir, std::size_t folder_index) {
  const FolderRecord& folder = m_base.folders()[folder_index];
  std::unordered_map<std::string_view, std::size_t> files;
  for (std::size_t i = folder.first_file; i < folder.first_file + folder.file_count; ++i) {
    files.emplace(m_base.text(m_base.files()[i].name), i);
  }
  std::unordered_set<std::string_view> folders;
  for (const std::size_t child : m_children[folder_index]) {
    if (m_wanted[child]) {
      folders.emplace(m_base.text(m_base.folders()[child].name));
    }
  }
  clear_differing(dir, folder, folders, files);
  const Placer::Origin origin = m_placer.origin_of(folder);
  for (const auto& [name, index] : files) {
    place(dir, origin, index, m_base.text(folder.path));
  }
  for (const std::size_t child : m_children[folder_index]) {
    if (m_wanted[child]) {
      refresh_folder(open_or_make_child(dir, m_base.text(m_base.folders()[child].name)), child);
    }
  }
  finish_folder(dir, folder);
}

/// Removes every entry that is not as it should be; of `files` those that are stay out.
void TreeMaker::clear_differing(const os::Dir& dir, const FolderRecord& folder,
                                const std::unordered_set<std::string_view>& folders,
                                std::unordered_map<std::string_view, std::size_t>& files) {
  for (const auto& entry : dir.entries()) {
    const char* name = entry.name.c_str();
    const auto stat = dir.stat_of(name);
    if (stat.is_folder() && folders.contains(entry.name)) {
      continue;
    }
    const auto file = files.find(entry.name);
    if (file != files.end() && stands(dir, file->second, stat, m_base.text(folder.path))) {
      files.erase(file);
      continue;
    }
    const auto left = os::remove_tree(dir, name);
    if (!left.empty()) {
      throw os::Error("cannot remove " + left.front());
    }
  }
}

/// Whether the entry that is there may stay.
bool TreeMaker::stands(const os::Dir& dir, std::size_t index, const os::Stat& stat,
                       const std::string& folder_path) {
  const FileRecord& file = m_base.files()[index];
  const char* name = m_base.text(file.name);
  const Made wanted =
      m_placer.wanted_for(folder_path.empty() ? name : folder_path + "/" + name, file);
  if (wanted == Made::symlink) {
    const bool same = stat.is_symlink() && stat.mtime == file.mtime() &&
                      dir.read_symlink(name) == m_base.text(file.target);
    m_out.made[index] = same ? Made::symlink : Made::excluded;
    return same;
  }
  if (wanted != Made::linked || !stat.is_file() || stat.inode != file.inode) {
    return false;
  }
  if (!file.agrees_with(stat)) { // it is the object itself, and that was written to
    m_placer.remember_damage(index);
  }
  m_out.made[index] = Made::linked;
  m_out.inodes[index] = file.inode;
  return true;
}

os::Dir TreeMaker::open_or_make_child(const os::Dir& dir, const char* name) const {
  const auto stat = dir.try_stat(name);
  if (!stat) {
    dir.make_folder(name, k_owner_all);
  } else if ((stat->mode & k_owner_all) != k_owner_all) {
    os::open_up(dir, name);
  }
  // What is mounted there is not ours to refresh: the whole tree is replaced instead.
  return os::open_on_same_mount(dir, name);
}

void TreeMaker::finish_folder(const os::Dir& dir, const FolderRecord& folder) const {
  const auto stat = dir.stat();
  const bool is_top = *m_base.text(folder.path) == '\0';
  if (stat.permissions() != folder.permissions && !(is_top && is_closed(folder))) {
    dir.set_permissions(folder.permissions);
  }
  if (stat.mtime != folder.mtime()) {
    dir.set_times(folder.mtime());
  }
}

} // namespace

const char* to_text(LinkMode mode) {
  switch (mode) {
  case LinkMode::hardlink:
    return "hardlink";
  case LinkMode::reflink:
    return "reflink";
  case LinkMode::copy:
    break;
  }
  return "copy";
}

MadeTree make_tree(const Root& root, const Base& base, const TreeOptions& options,
                   const os::Dir& tree) {
  return TreeMaker(root, base, options, tree).make();
}

void set_top_mode(const Base& base, const os::Dir& tree) {
  if (is_closed(base.folders()[0])) {
    tree.set_permissions(base.folders()[0].permissions);
  }
}

MadeTree refresh_tree(const Root& root, const Base& base, const TreeOptions& options,
                      const os::Dir& tree) {
  return TreeMaker(root, base, options, tree).refresh();
}

} // namespace snapfix::snapshot
