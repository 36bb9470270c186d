#include "snapshot/tree.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/parallel.hpp"
#include "os/remove_tree.hpp"
#include "snapshot/store.hpp"
#include "source/listing.hpp"

#include <fmt/format.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <mutex>
#include <optional>
#include <unordered_map>

#include <fcntl.h>

namespace snapfix::snapshot {
namespace {

constexpr std::uint32_t k_owner_all = 0700;
constexpr std::uint32_t k_owner_read_write = 0600;

std::optional<Made> copy_for_refused_link(int error_number) {
  switch (error_number) {
  case EXDEV:
    return Made::copied_exdev;
  case EMLINK:
    return Made::copied_emlink;
  case EPERM:
    return Made::copied_eperm;
  case EOPNOTSUPP:
  case ENOSYS:
    return Made::copied_unsupported;
  default:
    return std::nullopt;
  }
}

/// Links between these two file systems are refused whatever the file: asking again is no use.
bool holds_for_all_files(Made made) {
  return made == Made::copied_exdev || made == Made::copied_unsupported;
}

/// Whether the folder's mode keeps its owner from working in it.
bool is_closed(const FolderRecord& folder) {
  return (folder.permissions & k_owner_all) != k_owner_all;
}

class TreeMaker {
public:
  TreeMaker(const Root& root, const Base& base, const TreeOptions& options, const os::Dir& tree)
      : m_base(base), m_options(options), m_tree(tree),
        m_store(root, base.meta().at("source").get<std::string>()),
        m_source_path(base.meta().at("source").get<std::string>()) {
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
  /// The folder that a base's folder is linked from: the source's, or the store.
  struct Origin {
    std::optional<os::Dir> source_folder;
    unsigned char bucket = 0;
  };

  os::Dir open_folder(const os::Dir& top, std::string_view path) const;
  void make_folder(const FolderRecord& folder);
  void fill(const os::Dir& dir, const FolderRecord& folder);
  void refresh_folder(const os::Dir& dir, std::size_t folder_index);
  void finish_folder(const os::Dir& dir, const FolderRecord& folder) const;
  Origin origin_of(const FolderRecord& folder) const;
  void place(const os::Dir& dir, const Origin& origin, std::size_t index,
             const std::string& folder_path);
  bool stands(const os::Dir& dir, const Origin& origin, std::size_t index, const os::Stat& stat);
  Made link_or_copy(const os::Dir& dir, const Origin& origin, const FileRecord& file,
                    std::uint64_t& inode);
  Made copy(const os::Dir& dir, const Origin& origin, const FileRecord& file, Made reason,
            std::uint64_t& inode);
  Made wanted_for(const std::string& path, const FileRecord& file) const;
  bool check_origin(const Origin& origin, std::size_t index);
  MadeTree finish();

  const Base& m_base;
  const TreeOptions& m_options;
  const os::Dir& m_tree;
  Store m_store;
  std::string m_source_path;
  std::vector<bool> m_wanted; ///< folders that are not excluded
  MadeTree m_out;
  std::atomic<Made> m_no_links{Made::linked}; ///< the reason, once links are known to be refused
  std::atomic<bool> m_can_reflink{true};
  std::mutex m_mutex;
  std::vector<std::size_t> m_damaged;
  std::unordered_map<std::size_t, std::vector<std::size_t>> m_children;
};

std::string join(std::string_view folder, const char* name) {
  return folder.empty() ? name : std::string(folder) + "/" + name;
}

/// Opens a folder of a tree that nobody else changes; by one long path where the kernel takes it.
os::Dir TreeMaker::open_folder(const os::Dir& top, std::string_view path) const {
  if (path.empty()) {
    return top.open_child(".");
  }
  if (path.size() < PATH_MAX) {
    return top.open_child(std::string(path).c_str());
  }
  auto out = source::open_below(top, path);
  if (!out) {
    throw os::Error("open the folder", {std::string(path)}, ENOENT);
  }
  return std::move(*out);
}

void TreeMaker::make_folder(const FolderRecord& folder) {
  const std::string_view path = m_base.text(folder.path);
  if (path.empty()) {
    return;
  }
  if (path.size() < PATH_MAX) {
    m_tree.make_folder(m_base.text(folder.path), k_owner_all);
    return;
  }
  const auto slash = path.rfind('/');
  open_folder(m_tree, path.substr(0, slash)).make_folder(m_base.text(folder.name), k_owner_all);
}

MadeTree TreeMaker::make() {
  const auto folders = m_base.folders();
  for (std::size_t i = 0; i < folders.size(); ++i) {
    if (m_wanted[i]) {
      make_folder(folders[i]);
    }
  }
  os::for_each_index(folders.size(), m_options.workers, [&](std::size_t i) {
    if (m_wanted[i]) {
      const os::Dir dir = open_folder(m_tree, m_base.text(folders[i].path));
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
      const std::string_view path = m_base.text(folders[i].path);
      open_folder(m_tree, path).set_permissions(folders[i].permissions);
    }
  }
  return finish();
}

MadeTree TreeMaker::refresh() {
  for (std::size_t i = 1; i < m_base.folders().size(); ++i) {
    m_children[m_base.folders()[i].parent].push_back(i);
  }
  refresh_folder(m_tree, 0);
  return finish();
}

MadeTree TreeMaker::finish() {
  if (!m_damaged.empty()) {
    throw DamagedObjects{std::move(m_damaged)};
  }
  m_out.ledger = count_made(m_base, m_out.made);
  for (const bool wanted : m_wanted) {
    m_out.ledger.folders += wanted ? 1U : 0U;
  }
  return std::move(m_out);
}

TreeMaker::Origin TreeMaker::origin_of(const FolderRecord& folder) const {
  Origin out;
  const std::string_view path = m_base.text(folder.path);
  out.bucket = Store::bucket_of(path);
  if (m_options.link_from == LinkFrom::source) {
    out.source_folder = source::open_below(os::Dir::open(m_source_path), path);
  }
  return out;
}

void TreeMaker::fill(const os::Dir& dir, const FolderRecord& folder) {
  const Origin origin = origin_of(folder);
  const std::string path = m_base.text(folder.path);
  for (std::size_t i = 0; i < folder.file_count; ++i) {
    place(dir, origin, folder.first_file + i, path);
  }
}

Made TreeMaker::wanted_for(const std::string& path, const FileRecord& file) const {
  if (m_options.exclude.matches(path)) {
    return Made::excluded;
  }
  if (file.is_symlink()) {
    return Made::symlink;
  }
  if (m_options.copy.matches(path)) {
    return Made::copied_requested;
  }
  switch (m_options.link_mode) {
  case LinkMode::copy:
    return Made::copied_link_mode;
  case LinkMode::reflink:
    return Made::reflinked;
  case LinkMode::hardlink:
    break;
  }
  return Made::linked;
}

/// Whether what the file is made of is as the base says; if not, it is remembered.
bool TreeMaker::check_origin(const Origin& origin, std::size_t index) {
  const FileRecord& file = m_base.files()[index];
  if (m_options.link_from == LinkFrom::source) {
    const auto stat = origin.source_folder ? origin.source_folder->try_stat(m_base.text(file.name))
                                           : std::nullopt;
    if (!stat || stat->inode != file.inode || !file.agrees_with(*stat)) {
      throw os::Error(fmt::format("{} has changed in the source since it was frozen",
                                  os::quoted(m_base.path_of(m_base.folder_of(index), file))),
                      "with --link-from source the source must not change meanwhile: run it again");
    }
    return true;
  }
  if (m_store.is_sound(Store::name_of(origin.bucket, file.object), file)) {
    return true;
  }
  const std::scoped_lock lock(m_mutex);
  m_damaged.push_back(index);
  return false;
}

void TreeMaker::place(const os::Dir& dir, const Origin& origin, std::size_t index,
                      const std::string& folder_path) {
  const FileRecord& file = m_base.files()[index];
  const char* name = m_base.text(file.name);
  const bool any_glob = !m_options.exclude.empty() || !m_options.copy.empty();
  Made made = wanted_for(any_glob ? join(folder_path, name) : std::string(), file);
  std::uint64_t inode = 0;
  if (made == Made::symlink) {
    dir.make_symlink(name, m_base.text(file.target));
    dir.set_times(name, file.mtime());
  } else if (made != Made::excluded) {
    if (!check_origin(origin, index)) {
      return;
    }
    made = made == Made::linked ? link_or_copy(dir, origin, file, inode)
                                : copy(dir, origin, file, made, inode);
  }
  m_out.made[index] = made;
  m_out.inodes[index] = inode;
}

Made TreeMaker::link_or_copy(const os::Dir& dir, const Origin& origin, const FileRecord& file,
                             std::uint64_t& inode) {
  Made reason = m_no_links.load(std::memory_order_relaxed);
  if (reason == Made::linked) {
    const ObjectName object = Store::name_of(origin.bucket, file.object);
    const char* name = m_base.text(file.name);
    const int failed = m_options.link_from == LinkFrom::source
                           ? os::link_file(*origin.source_folder, name, dir, name, file.inode)
                           : os::link_file(m_store.dir(), object.data(), dir, name, file.inode);
    if (failed == 0) {
      inode = file.inode;
      return Made::linked;
    }
    const auto copied = copy_for_refused_link(failed);
    if (!copied || m_options.strict) {
      const std::string from = m_options.link_from == LinkFrom::source
                                   ? origin.source_folder->path_of(name)
                                   : m_store.dir().path_of(object.data());
      throw os::Error("link", {from, dir.path_of(name)}, failed,
                      m_options.strict ? "without --strict it becomes a copy" : "");
    }
    reason = *copied;
    if (holds_for_all_files(reason)) {
      m_no_links.store(reason, std::memory_order_relaxed);
    }
  }
  return copy(dir, origin, file, reason, inode);
}

/// Makes a private file; where it shares its blocks it counts as reflinked. `reason` is why it is
/// not linked, or Made::reflinked where a reflink was asked for.
Made TreeMaker::copy(const os::Dir& dir, const Origin& origin, const FileRecord& file, Made reason,
                     std::uint64_t& inode) {
  const char* name = m_base.text(file.name);
  const ObjectName object = Store::name_of(origin.bucket, file.object);
  const bool from_source = m_options.link_from == LinkFrom::source;
  const os::Dir& from_dir = from_source ? *origin.source_folder : m_store.dir();
  const char* from_name = from_source ? name : object.data();
  const os::UniqueFd from = from_dir.open_file(from_name, O_RDONLY);
  const os::UniqueFd to = dir.open_file(name, O_WRONLY | O_CREAT | O_EXCL, k_owner_read_write);
  Made made = reason;
  if (m_options.link_mode != LinkMode::copy && m_can_reflink.load(std::memory_order_relaxed)) {
    const int failed = os::try_reflink(from.get(), to.get());
    if (failed == 0) {
      made = Made::reflinked;
    } else if (!os::means_no_reflink(failed) || (reason == Made::reflinked && m_options.strict)) {
      throw os::Error("reflink", {from_dir.path_of(from_name), dir.path_of(name)}, failed,
                      m_options.strict ? "without --strict it becomes a copy" : "");
    } else {
      m_can_reflink.store(false, std::memory_order_relaxed);
      made = reason == Made::reflinked ? Made::copied_unsupported : reason;
    }
  } else if (reason == Made::reflinked) {
    made = Made::copied_unsupported;
  }
  if (made != Made::reflinked) {
    const auto size = os::copy_data(from.get(), from_dir.path_of(from_name), to.get(),
                                    dir.path_of(name), file.size, nullptr);
    if (size != file.size) {
      throw os::Error(os::quoted(from_dir.path_of(from_name)) +
                      " became shorter while it was read");
    }
  }
  if (::fchmod(to.get(), file.permissions()) != 0) {
    throw os::Error("set the mode of", {dir.path_of(name)}, errno);
  }
  dir.set_times(name, file.mtime());
  inode = os::stat_of(to.get(), dir.path_of(name)).inode;
  return made;
}

/// Whether the entry that is there may stay.
bool TreeMaker::stands(const os::Dir& dir, const Origin& origin, std::size_t index,
                       const os::Stat& stat) {
  const FileRecord& file = m_base.files()[index];
  const char* name = m_base.text(file.name);
  const std::string path = m_base.path_of(m_base.folder_of(index), file);
  switch (wanted_for(path, file)) {
  case Made::symlink:
    if (stat.is_symlink() && stat.mtime == file.mtime() &&
        dir.read_symlink(name) == m_base.text(file.target)) {
      m_out.made[index] = Made::symlink;
      return true;
    }
    return false;
  case Made::linked:
    if (!stat.is_file() || stat.inode != file.inode) {
      return false;
    }
    if (!file.agrees_with(stat)) { // it is the object, and that was written to
      return check_origin(origin, index);
    }
    m_out.made[index] = Made::linked;
    m_out.inodes[index] = file.inode;
    return true;
  default:
    return false;
  }
}

void TreeMaker::refresh_folder(const os::Dir& dir, std::size_t folder_index) {
  const FolderRecord& folder = m_base.folders()[folder_index];
  const Origin origin = origin_of(folder);
  std::unordered_map<std::string_view, std::size_t> files;
  std::unordered_map<std::string_view, std::size_t> folders;
  for (std::size_t i = 0; i < folder.file_count; ++i) {
    files.emplace(m_base.text(m_base.files()[folder.first_file + i].name), folder.first_file + i);
  }
  for (const std::size_t child : m_children[folder_index]) {
    if (m_wanted[child]) {
      folders.emplace(m_base.text(m_base.folders()[child].name), child);
    }
  }
  for (const auto& entry : dir.entries()) {
    const char* name = entry.name.c_str();
    const auto stat = dir.stat_of(name);
    if (folders.contains(entry.name) && stat.is_folder()) {
      continue;
    }
    const auto file = files.find(entry.name);
    if (file != files.end() && stands(dir, origin, file->second, stat)) {
      files.erase(file);
      continue;
    }
    const auto left = os::remove_tree(dir, name);
    if (!left.empty()) {
      throw os::Error("cannot remove " + left.front(), "remove the snapshot, then make it again");
    }
  }
  for (std::size_t i = 0; i < folder.file_count; ++i) {
    const std::size_t index = folder.first_file + i;
    if (files.contains(m_base.text(m_base.files()[index].name))) {
      place(dir, origin, index, m_base.text(folder.path));
    }
  }
  for (const auto& [name, child] : folders) {
    const std::string child_name(name);
    const auto stat = dir.try_stat(child_name.c_str());
    if (!stat) {
      dir.make_folder(child_name.c_str(), k_owner_all);
    } else if ((stat->mode & k_owner_all) != k_owner_all) {
      os::open_up(dir, child_name.c_str());
    }
    refresh_folder(dir.open_child(child_name.c_str()), child);
  }
  finish_folder(dir, folder);
}

void TreeMaker::finish_folder(const os::Dir& dir, const FolderRecord& folder) const {
  const auto stat = dir.stat();
  const bool is_top = folder.name == folder.path && *m_base.text(folder.path) == '\0';
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
