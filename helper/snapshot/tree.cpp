#include "snapshot/tree.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/parallel.hpp"
#include "os/process.hpp"
#include "os/progress.hpp"
#include "os/remove_tree.hpp"
#include "snapshot/placer.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

namespace snapfix::snapshot {
namespace {

constexpr std::uint32_t k_owner_all = 0700;
constexpr int k_tries = 10;

/// Whether the folder's mode keeps its owner from working in it.
bool is_closed(const FolderRecord& folder) {
  return (folder.permissions & k_owner_all) != k_owner_all;
}

/// The extended attributes that folders in it have from the start.
std::vector<std::string> inherited_attributes(const os::Dir& folder) {
  auto out = folder.xattrs();
  if (std::ranges::find(out, "system.posix_acl_default") != out.end()) {
    out.emplace_back("system.posix_acl_access");
  }
  return out;
}

class TreeMaker {
public:
  TreeMaker(const Root& root, const Base& base, const TreeOptions& options, const os::Dir& tree,
            const OldTree* old = nullptr, const KnownTree* known = nullptr)
      : m_base(base), m_tree(tree), m_known(known), m_old(old), m_placer(root, base, options),
        m_work(root.work().stat()), m_inherited(inherited_attributes(root.work())),
        m_children(children_of_folders(base)), m_queue(options.workers),
        m_progress("making the snapshot", base.files().size()) {
    m_out.made.assign(base.files().size(), Made::excluded);
    m_out.inodes.assign(base.files().size(), 0);
    m_out.folders.resize(base.folders().size());
    for (const auto& folder : base.folders()) {
      const std::string_view path = base.text(folder.path);
      m_wanted.push_back(path.empty() || !options.exclude.matches(path));
    }
  }

  MadeTree make();
  MadeTree refresh();

private:
  enum class Known : std::uint8_t { no, alone, with_all_below };
  struct Opened {
    os::Dir dir;
    Placer::Origin origin;
  };
  /// A folder that is there, to be filled or refreshed by one worker.
  struct Task {
    std::shared_ptr<const Opened> parent; ///< nothing for the top
    std::size_t index;
  };

  /// Both return how many files the folder has.
  std::size_t make_folder(const Task& task);
  std::size_t refresh_folder(const Task& task);
  void make_child(const os::Dir& dir, std::size_t child) const;
  Opened open(const Task& task, os::Dir&& dir) const;
  void place(Opened& here, std::size_t index, const std::string& folder_path);
  void place_beside_jobs(Opened& here, std::size_t folder, std::size_t index);
  void add_children(Opened&& opened, std::size_t index);
  bool needs_look(std::size_t folder) const {
    return m_known_folders.empty() || m_known_folders[folder] != Known::with_all_below;
  }
  void keep_known_folders();
  void forget_known(std::size_t folder);
  void open_up_children(const os::Dir& dir, std::size_t index) const;
  void clear_differing(const os::Dir& dir, std::size_t index, std::vector<bool>& files,
                       std::vector<bool>& children);
  void clear_entry(const os::Dir& dir, std::size_t index, const char* name, const os::Stat& stat);
  std::optional<std::size_t> find_child(std::size_t index, const char* name) const;
  std::optional<std::size_t> find_file(std::size_t index, const char* name) const;
  bool stands(const os::Dir& dir, std::size_t index, const os::Stat& stat,
              const std::string& folder_path);
  bool is_ours(const os::Stat& stat) const;
  void take_back_attributes(const os::Dir& dir) const;
  os::Stat finish_folder(const os::Dir& dir, const FolderRecord& folder) const;
  MadeTree finish();

  const char* name_of(std::size_t folder) const {
    return m_base.text(m_base.folders()[folder].name);
  }

  const Base& m_base;
  const os::Dir& m_tree;
  const KnownTree* m_known;
  const OldTree* m_old; ///< what is to stay beside it belongs to jobs; nothing: all else goes
  Placer m_placer;
  os::Stat m_work;                                  ///< of the folder in which new trees are made
  std::vector<std::string> m_inherited;             ///< attributes that folders get from there
  std::vector<Known> m_known_folders;               ///< of the base; in a refresh
  std::vector<bool> m_wanted;                       ///< folders that are not excluded
  std::vector<std::vector<std::size_t>> m_children; ///< the folders in each folder, by name
  os::WorkQueue<Task> m_queue;
  MadeTree m_out;
  os::Progress m_progress;
};

MadeTree TreeMaker::make() {
  m_queue.add({nullptr, 0});
  m_queue.run([this](const Task& task) { return make_folder(task); });
  return finish();
}

MadeTree TreeMaker::refresh() {
  if (!is_ours(m_tree.stat())) {
    throw os::Error(os::format("{} was given away", os::quoted(m_tree.path())));
  }
  keep_known_folders();
  m_queue.add({nullptr, 0});
  m_queue.run([this](const Task& task) { return refresh_folder(task); });
  return finish();
}

/// Takes over what is known, and finds the subtrees in which nothing is left to do.
void TreeMaker::keep_known_folders() {
  const auto folders = m_base.folders();
  m_known_folders.assign(folders.size(), m_known == nullptr ? Known::no : Known::with_all_below);
  for (std::size_t i = folders.size(); i-- > 0;) { // what is below a folder comes behind it
    const bool is_pristine = m_known != nullptr && m_known->pristine[i].is_known();
    if (!is_pristine) {
      m_known_folders[i] = Known::no;
    }
    if (m_wanted[i] && needs_look(i)) {
      auto& above = m_known_folders[folders[i].parent];
      above = std::min(above, Known::alone);
    }
    if (!is_pristine) {
      continue;
    }
    m_out.folders[i] = m_known->pristine[i];
    for (std::size_t k = folders[i].first_file; k < folders[i].first_file + folders[i].file_count;
         ++k) {
      m_out.made[k] = m_known->manifest.made[k];
      m_out.inodes[k] = m_known->manifest.inodes[k];
      m_progress.count();
    }
  }
}

/// Of a folder that is not there any more, and so nothing below it.
void TreeMaker::forget_known(std::size_t folder) {
  const std::string path = std::string(m_base.text(m_base.folders()[folder].path)) + "/";
  do {
    m_known_folders[folder++] = Known::no;
  } while (folder < m_known_folders.size() &&
           std::string_view(m_base.text(m_base.folders()[folder].path)).starts_with(path));
}

std::size_t TreeMaker::make_folder(const Task& task) {
  const FolderRecord& folder = m_base.folders()[task.index];
  Opened here = open(task, task.parent ? task.parent->dir.open_child(name_of(task.index))
                                       : m_tree.open_child("."));
  for (const std::size_t child : m_children[task.index]) {
    if (m_wanted[child]) {
      make_child(here.dir, child);
    }
  }
  const std::string path = m_base.text(folder.path);
  for (std::size_t i = 0; i < folder.file_count; ++i) {
    place(here, folder.first_file + i, path);
  }
  finish_folder(here.dir, folder);
  add_children(std::move(here), task.index);
  return folder.file_count;
}

TreeMaker::Opened TreeMaker::open(const Task& task, os::Dir&& dir) const {
  const auto* above = task.parent ? &task.parent->origin : nullptr;
  return {std::move(dir), m_placer.origin_of(m_base.folders()[task.index], above)};
}

/// With its mode, as far as the umask lets it: most often nothing is left to set then.
void TreeMaker::make_child(const os::Dir& dir, std::size_t child) const {
  dir.make_folder(name_of(child), m_base.folders()[child].permissions | k_owner_all);
}

void TreeMaker::add_children(Opened&& opened, std::size_t index) {
  const auto parent = std::make_shared<const Opened>(std::move(opened));
  const auto& children = m_children[index];
  for (std::size_t i = children.size(); i-- > 0;) { // the youngest task is the first to be done
    if (m_wanted[children[i]] && needs_look(children[i])) {
      m_queue.add({parent, children[i]});
    }
  }
}

void TreeMaker::place(Opened& here, std::size_t index, const std::string& folder_path) {
  const auto placed = m_placer.place(here.dir, here.origin, index, folder_path);
  m_out.made[index] = placed.made;
  m_out.inodes[index] = placed.inode;
  m_progress.count();
}

/// A job may make a file of that name once more after it was cleared away.
void TreeMaker::place_beside_jobs(Opened& here, std::size_t folder, std::size_t index) {
  const char* name = m_base.text(m_base.files()[index].name);
  for (int tries_left = k_tries;; --tries_left) {
    try {
      place(here, index, m_base.text(m_base.folders()[folder].path));
      return;
    } catch (const os::Error& error) {
      if (m_old == nullptr || error.error_number() != EEXIST || tries_left == 0) {
        throw;
      }
    }
    if (const auto stat = here.dir.try_stat(name)) {
      clear_entry(here.dir, folder, name, *stat);
    }
  }
}

/// Gives the folder the mode and times it is to have: nothing is made or removed in it after this.
/// A mode that would keep us from working below it waits for finish(). Returns what it is then.
os::Stat TreeMaker::finish_folder(const os::Dir& dir, const FolderRecord& folder) const {
  const auto stat = dir.stat();
  const bool has_mode = stat.permissions() == folder.permissions || is_closed(folder);
  if (!has_mode) {
    dir.set_permissions(folder.permissions);
  }
  if (stat.mtime != folder.mtime()) {
    dir.set_times(folder.mtime());
  }
  return has_mode && stat.mtime == folder.mtime() ? stat : dir.stat();
}

/// Whether it belongs to whom a new one would; beside what jobs have made, the owner must be right.
bool TreeMaker::is_ours(const os::Stat& stat) const {
  return stat.owner == os::effective_user() &&
         (m_old != nullptr || stat.group == os::effective_group() || stat.group == m_work.group);
}

/// The ACLs and other extended attributes that a job gave the folder.
void TreeMaker::take_back_attributes(const os::Dir& dir) const {
  for (const auto& name : dir.xattrs()) {
    if (std::ranges::find(m_inherited, name) == m_inherited.end()) {
      dir.remove_xattr(name.c_str());
    }
  }
}

MadeTree TreeMaker::finish() {
  if (auto damaged = m_placer.take_damaged(); !damaged.empty()) {
    throw DamagedObjects(std::move(damaged));
  }
  // From the leaves up: these modes forbid us to go through the folder.
  const auto folders = m_base.folders();
  for (std::size_t i = folders.size(); i-- > 1;) {
    if (m_wanted[i] && is_closed(folders[i]) && needs_look(i)) {
      const auto dir = source::open_below(m_tree, m_base.text(folders[i].path));
      if (!dir) {
        throw os::Error("open the folder", {m_base.text(folders[i].path)}, ENOENT);
      }
      dir->set_permissions(folders[i].permissions);
      m_out.folders[i] = FolderState::of(dir->stat());
    }
  }
  m_out.ledger = count_made(m_base, m_out.made);
  m_out.ledger.folders =
      static_cast<std::uint64_t>(std::count(m_wanted.begin(), m_wanted.end(), true));
  return std::move(m_out);
}

std::size_t TreeMaker::refresh_folder(const Task& task) {
  // What is mounted there is not ours to refresh: the whole tree is replaced instead.
  Opened here =
      open(task, task.parent ? os::open_on_same_mount(task.parent->dir, name_of(task.index))
                             : m_tree.open_child("."));
  const FolderRecord& folder = m_base.folders()[task.index];
  const auto& children = m_children[task.index];
  if (m_known_folders[task.index] != Known::no) {
    open_up_children(here.dir, task.index);
    add_children(std::move(here), task.index);
    return 0;
  }
  std::vector<bool> standing(folder.file_count);
  std::vector<bool> standing_children(children.size());
  clear_differing(here.dir, task.index, standing, standing_children);
  for (std::size_t i = 0; i < folder.file_count; ++i) {
    if (!standing[i]) {
      place_beside_jobs(here, task.index, folder.first_file + i);
    }
  }
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (m_wanted[children[i]] && !standing_children[i]) {
      forget_known(children[i]);
      here.dir.ensure_child(name_of(children[i]),
                            m_base.folders()[children[i]].permissions | k_owner_all);
    }
  }
  if (m_old == nullptr) {
    take_back_attributes(here.dir);
  }
  m_out.folders[task.index] = FolderState::of(finish_folder(here.dir, folder));
  add_children(std::move(here), task.index);
  return folder.file_count;
}

/// Those that a job has closed, and that are to be refreshed.
void TreeMaker::open_up_children(const os::Dir& dir, std::size_t index) const {
  for (const std::size_t child : m_children[index]) {
    if (m_wanted[child] && needs_look(child)) {
      const auto stat = dir.stat_of(name_of(child));
      if (!is_ours(stat)) {
        throw os::Error(os::format("{} was given away", os::quoted(dir.path_of(name_of(child)))));
      }
      if ((stat.mode & k_owner_all) != k_owner_all) {
        os::open_up(dir, name_of(child));
      }
    }
  }
}

std::optional<std::size_t> TreeMaker::find_child(std::size_t index, const char* name) const {
  const auto& children = m_children[index]; // siblings are in byte order
  const auto found =
      std::ranges::lower_bound(children, std::string_view(name), {}, [this](std::size_t child) {
        return std::string_view(name_of(child));
      });
  const bool there = found != children.end() && std::strcmp(name_of(*found), name) == 0;
  return there ? std::optional(static_cast<std::size_t>(found - children.begin())) : std::nullopt;
}

/// The place among the files of a folder of one that is to be there.
std::optional<std::size_t> TreeMaker::find_file(std::size_t index, const char* name) const {
  const FolderRecord& folder = m_base.folders()[index];
  const auto at = m_base.find_in(folder, name);
  const bool is_wanted = at && m_placer.wanted_for(m_base.text(folder.path),
                                                   m_base.files_of(folder)[*at]) != Made::excluded;
  return is_wanted ? at : std::nullopt;
}

/// Removes every entry that is not as it should be, and marks those that are.
void TreeMaker::clear_differing(const os::Dir& dir, std::size_t index, std::vector<bool>& files,
                                std::vector<bool>& children) {
  const FolderRecord& folder = m_base.folders()[index];
  const std::string path = m_base.text(folder.path);
  for (const auto& entry : dir.entries()) {
    const char* name = entry.name.c_str();
    const auto stat = dir.try_stat(name);
    if (!stat) {
      continue; // a job is at work there
    }
    if (stat->is_folder()) {
      const auto child = find_child(index, name);
      if (child && is_ours(*stat) && m_wanted[m_children[index][*child]]) {
        if ((stat->mode & k_owner_all) != k_owner_all && needs_look(m_children[index][*child])) {
          os::open_up(dir, name);
        }
        children[*child] = true;
        continue;
      }
    } else if (const auto at = find_file(index, name)) {
      if (stands(dir, folder.first_file + *at, *stat, path)) {
        files[*at] = true;
        continue;
      }
    }
    clear_entry(dir, index, name, *stat);
  }
}

/// Removes an entry that is not as it should be, unless it is to stay: what jobs have made, where
/// the base has nothing.
void TreeMaker::clear_entry(const os::Dir& dir, std::size_t index, const char* name,
                            const os::Stat& stat) {
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
    const auto child = find_child(index, name);
    const bool is_base_folder = child && m_wanted[m_children[index][*child]];
    if (is_base_file || is_base_folder) {
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
bool TreeMaker::stands(const os::Dir& dir, std::size_t index, const os::Stat& stat,
                       const std::string& folder_path) {
  const FileRecord& file = m_base.files()[index];
  const char* name = m_base.text(file.name);
  const Made wanted = m_placer.wanted_for(folder_path, file);
  if (wanted == Made::symlink) {
    const bool same = stat.is_symlink() && is_ours(stat) && stat.mtime == file.mtime() &&
                      dir.read_symlink(name) == m_base.text(file.target);
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
                      const os::Dir& tree, const KnownTree* known) {
  return TreeMaker(root, base, options, tree, nullptr, known).refresh();
}

MadeTree update_tree(const Root& root, const Base& base, const TreeOptions& options,
                     const os::Dir& tree, const OldTree& old) {
  auto out = TreeMaker(root, base, options, tree, &old).refresh();
  out.folders.clear(); // they hold what jobs have made
  return out;
}

} // namespace snapfix::snapshot
