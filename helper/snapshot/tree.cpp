#include "snapshot/tree.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/parallel.hpp"
#include "os/progress.hpp"
#include "os/remove_tree.hpp"
#include "snapshot/placer.hpp"
#include "snapshot/tree_clearer.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

namespace snapfix::snapshot {
namespace {

/// Whether the folder's mode keeps its owner from working in it.
bool is_closed(const FolderRecord& folder) {
  return (folder.permissions & os::k_owner_all) != os::k_owner_all;
}

/// For each folder of the base those in it that the tree is to have.
std::vector<std::vector<std::size_t>> wanted_children(const Base& base,
                                                      const source::GlobSet& exclude) {
  auto out = children_of_folders(base);
  for (auto& children : out) {
    std::erase_if(children, [&](std::size_t child) {
      const char* path = base.text(base.folders()[child].path);
      return exclude.matches(path) && !source::lies_in_git(path); // a .git is whole or absent
    });
  }
  return out;
}

class TreeMaker {
public:
  TreeMaker(const Root& root, const Base& base, const TreeOptions& options, const os::Dir& tree,
            const OldTree* old = nullptr, const KnownTree* known = nullptr)
      : m_base(base), m_tree(tree), m_old(old), m_placer(root, base, options),
        m_inherits_group((root.work().stat().mode & S_ISGID) != 0 && old == nullptr),
        m_children(wanted_children(base, options.exclude)), m_known(base, m_children, known),
        m_clearer(root, base, m_children, m_known, old, m_placer, m_out), m_queue(options.workers),
        m_progress("making the snapshot", base.files().size()) {
    m_out.made.assign(base.files().size(), Made::excluded);
    m_out.inodes.assign(base.files().size(), 0);
    m_out.folders.resize(base.folders().size());
    if (known != nullptr) {
      keep_known(*known);
    }
  }

  MadeTree make();
  MadeTree refresh();

private:
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
  void keep_known(const KnownTree& known);
  os::Stat finish_folder(const os::Dir& dir, const FolderRecord& folder) const;
  void close(std::size_t index);
  MadeTree finish();

  const char* name_of(std::size_t folder) const {
    return m_base.text(m_base.folders()[folder].name);
  }

  const Base& m_base;
  const os::Dir& m_tree;
  const OldTree* m_old; ///< nothing: what jobs have made goes
  Placer m_placer;
  bool m_inherits_group;                            ///< new folders get that of the one above
  std::vector<std::vector<std::size_t>> m_children; ///< the wanted folders in each, by name
  KnownFolders m_known;
  MadeTree m_out;
  TreeClearer m_clearer;
  os::WorkQueue<Task> m_queue;
  os::Progress m_progress;
};

MadeTree TreeMaker::make() {
  m_queue.add({nullptr, 0});
  m_queue.run([this](const Task& task) { return make_folder(task); });
  return finish();
}

MadeTree TreeMaker::refresh() {
  m_clearer.require_attributes_told();
  if (!m_clearer.is_ours(m_tree.stat())) {
    throw os::Error(os::format("{} was given away", os::quoted(m_tree.path())));
  }
  m_queue.add({nullptr, 0});
  m_queue.run([this](const Task& task) { return refresh_folder(task); });
  return finish();
}

/// What is known stays as it is.
void TreeMaker::keep_known(const KnownTree& known) {
  for (std::size_t i = 0; i < m_base.folders().size(); ++i) {
    if (!m_known.has(i)) {
      continue;
    }
    const FolderRecord& folder = m_base.folders()[i];
    m_out.folders[i] = known.pristine[i];
    for (std::size_t k = folder.first_file; k < folder.first_file + folder.file_count; ++k) {
      m_out.made[k] = known.manifest.made[k];
      m_out.inodes[k] = known.manifest.inodes[k];
      m_progress.count();
    }
  }
}

std::size_t TreeMaker::make_folder(const Task& task) {
  const FolderRecord& folder = m_base.folders()[task.index];
  Opened here = open(task, task.parent ? task.parent->dir.open_child(name_of(task.index))
                                       : m_tree.open_child("."));
  for (const std::size_t child : m_children[task.index]) {
    make_child(here.dir, child);
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
  dir.make_folder(name_of(child), m_base.folders()[child].permissions | os::k_owner_all);
}

void TreeMaker::add_children(Opened&& opened, std::size_t index) {
  const auto parent = std::make_shared<const Opened>(std::move(opened));
  const auto& children = m_children[index];
  for (std::size_t i = children.size(); i-- > 0;) { // the youngest task is the first to be done
    if (m_known.needs_look(children[i])) {
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
  constexpr int k_tries = 10;
  for (int tries_left = k_tries;; --tries_left) {
    try {
      place(here, index, m_base.text(m_base.folders()[folder].path));
      return;
    } catch (const os::Error& error) {
      if (m_old == nullptr || error.error_number() != EEXIST || tries_left == 0) {
        throw;
      }
    }
    const char* name = m_base.text(m_base.files()[index].name);
    if (const auto stat = here.dir.try_stat(name)) {
      m_clearer.clear_entry(here.dir, folder, name, *stat);
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

void TreeMaker::close(std::size_t index) {
  const FolderRecord& folder = m_base.folders()[index];
  const auto dir = source::open_below(m_tree, m_base.text(folder.path));
  if (!dir) {
    throw os::Error("open the folder", {m_base.text(folder.path)}, ENOENT);
  }
  dir->set_permissions(folder.permissions);
  m_out.folders[index] = FolderState::of(dir->stat());
}

MadeTree TreeMaker::finish() {
  if (auto damaged = m_placer.take_damaged(); !damaged.empty()) {
    throw DamagedObjects(std::move(damaged));
  }
  m_out.ledger = count_made(m_base, m_out.made);
  m_out.ledger.folders = 1;
  const auto folders = m_base.folders();
  // From the leaves up: these modes forbid us to go through the folder.
  for (std::size_t i = folders.size(); i-- > 0;) {
    m_out.ledger.folders += m_children[i].size();
    for (const std::size_t child : m_children[i]) {
      if (is_closed(folders[child]) && m_known.needs_look(child)) {
        close(child);
      }
    }
  }
  return std::move(m_out);
}

std::size_t TreeMaker::refresh_folder(const Task& task) {
  // What is mounted there is not ours to refresh: the whole tree is replaced instead.
  Opened here =
      open(task, task.parent ? os::open_on_same_mount(task.parent->dir, name_of(task.index))
                             : m_tree.open_child("."));
  const FolderRecord& folder = m_base.folders()[task.index];
  const auto& children = m_children[task.index];
  if (m_known.has(task.index)) {
    m_clearer.open_up_children(here.dir, task.index);
    add_children(std::move(here), task.index);
    return 0;
  }
  const auto standing = m_clearer.clear_differing(here.dir, task.index);
  if (m_inherits_group) { // as while a tree is made: what is made in it gets its group
    here.dir.set_permissions(folder.permissions | os::k_owner_all | S_ISGID);
  }
  for (std::size_t i = 0; i < folder.file_count; ++i) {
    if (!standing.files[i]) {
      place_beside_jobs(here, task.index, folder.first_file + i);
    }
  }
  for (std::size_t i = 0; i < children.size(); ++i) {
    if (!standing.children[i]) {
      m_known.forget(children[i]);
      here.dir.ensure_child(name_of(children[i]),
                            m_base.folders()[children[i]].permissions | os::k_owner_all);
    }
  }
  m_clearer.take_back_attributes(here.dir);
  m_out.folders[task.index] = FolderState::of(finish_folder(here.dir, folder));
  add_children(std::move(here), task.index);
  return folder.file_count;
}

} // namespace

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
