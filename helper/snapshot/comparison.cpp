#include "snapshot/comparison.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/remove_tree.hpp"
#include "snapshot/store.hpp"
#include "source/listing.hpp"

#include <cerrno>
#include <memory>
#include <utility>

namespace snapfix::snapshot {
namespace {

constexpr std::uint32_t k_executable = 0100;

/// git knows no other modes.
std::uint32_t git_mode(std::uint32_t mode) {
  return S_ISLNK(mode) ? S_IFLNK : S_IFREG | ((mode & k_executable) != 0 ? 0755U : 0644U);
}

/// Opens a file below a folder, by its path in it.
os::UniqueFd open_in(const os::Dir& top, const std::string& path) {
  const auto folder = source::open_below(top, source::folder_of(path));
  if (!folder) {
    throw os::Error("open", {top.path_of(path.c_str())}, ENOENT);
  }
  return folder->open_to_read(std::string(source::name_of(path)).c_str());
}

void add_entries(const os::Dir& dir, const std::string& above, std::map<std::string, Entry>& out) {
  for (const auto& entry : dir.entries()) {
    const auto stat =
        entry.name == source::k_dot_git ? std::nullopt : dir.try_stat(entry.name.c_str());
    if (!stat) {
      continue;
    }
    const auto path = above + entry.name;
    if (stat->is_folder()) {
      try {
        add_entries(os::open_on_same_mount(dir, entry.name.c_str()), path + "/", out);
      } catch (const os::Error& error) {
        if (error.error_number() != EXDEV) { // what is mounted there is not the snapshot's
          throw;
        }
      }
    } else if (stat->is_file() || stat->is_symlink()) {
      out[path] = {
          git_mode(stat->mode), stat->size,
          stat->inode,          stat->mtime,
          os::Hash(),           stat->is_symlink() ? dir.read_symlink(entry.name.c_str()) : ""};
    }
  }
}

bool is_same(const Side& before, const Side& after, const std::string& path) {
  const Entry& a = before.entries().at(path);
  const Entry& b = after.entries().at(path);
  if (a.mode != b.mode || a.is_symlink()) {
    return a.mode == b.mode && a.target == b.target;
  }
  const bool is_one_file = a.inode != 0 && a.inode == b.inode && a.mtime == b.mtime;
  if (a.size != b.size || is_one_file) {
    return a.size == b.size;
  }
  const auto content = [&](const Side& side, const Entry& entry) {
    return entry.content != os::Hash() ? entry.content : os::hash_file(side.open(path).get(), path);
  };
  return content(before, a) == content(after, b);
}

} // namespace

Side Side::of_tree(const Snapshot& snapshot) {
  Side out;
  const auto top = std::make_shared<const os::Dir>(
      os::open_on_same_mount(snapshot.root().top(), snapshot.folder().c_str()));
  add_entries(*top, "", out.m_entries);
  snapshot.require_standing();
  out.m_open = [top](const std::string& path) { return open_in(*top, path); };
  return out;
}

Side Side::of_base(const Snapshot& snapshot) {
  const Base& base = snapshot.base();
  const auto store = std::make_shared<const Store>(snapshot.root(), base.meta().source);
  Side out;
  std::size_t index = 0;
  for (const auto& folder : base.folders()) {
    for (const auto& file : base.files_of(folder)) {
      const auto path = base.path_of(folder, file);
      if (snapshot.manifest().made[index++] != Made::excluded && !source::lies_in_git(path)) {
        out.m_entries[path] = {
            git_mode(file.mode), file.size,    file.inode,
            file.mtime(),        file.content, file.is_symlink() ? base.text(file.target) : ""};
      }
    }
  }
  out.m_open = [&base, store](const std::string& path) {
    const auto found = base.find(path);
    const auto& file = base.files()[found.value()];
    if (file.object == os::Hash()) { // linked from the source itself
      return open_in(os::Dir::open(base.meta().source), path);
    }
    const auto bucket = store->open_bucket(base.text(base.folder_of(*found).path));
    if (!bucket) {
      throw os::Error("open the object of", {path}, ENOENT,
                      "the store has lost it: 'snapfix create NAME --fresh' makes it anew");
    }
    return bucket->open_to_read(Store::name_of(file.object).data());
  };
  return out;
}

std::vector<ChangedName> compare(const Side& before, const Side& after) {
  std::vector<ChangedName> out;
  auto a = before.entries().begin();
  auto b = after.entries().begin();
  while (a != before.entries().end() || b != after.entries().end()) {
    if (b == after.entries().end() || (a != before.entries().end() && a->first < b->first)) {
      out.push_back({a++->first, NameChange::deleted});
    } else if (a == before.entries().end() || b->first < a->first) {
      out.push_back({b++->first, NameChange::added});
    } else {
      if (a->second.is_symlink() != b->second.is_symlink()) {
        out.push_back({a->first, NameChange::type});
      } else if (!is_same(before, after, a->first)) {
        out.push_back({a->first, NameChange::modified});
      }
      ++a;
      ++b;
    }
  }
  return out;
}

} // namespace snapfix::snapshot
