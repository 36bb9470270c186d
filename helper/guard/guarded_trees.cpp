#include "guard/guarded_trees.hpp"

#include "os/error.hpp"
#include "os/format.hpp"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

namespace snapfix::guard {
namespace {

/// When a file came into being; nothing where the file system does not tell.
std::optional<os::Time> birth_of(int file) {
  struct statx stat {};
  if (::statx(file, "", AT_EMPTY_PATH, STATX_BTIME, &stat) != 0 ||
      (stat.stx_mask & STATX_BTIME) == 0) {
    return std::nullopt;
  }
  return os::Time{stat.stx_btime.tv_sec, stat.stx_btime.tv_nsec};
}

/// A file of our list was there before it. One that was not has got the number of one that is gone,
/// which can be only if nobody held that any more: so a clock that was set back deceives us not
/// with files that have more names.
bool was_born_after(const NamedFile& file, os::Time time) {
  const auto birth = birth_of(file.file.get());
  return birth && *birth > time;
}

/// Opens the file of that name, as a place; empty if it is another one.
os::UniqueFd open_if(int folder, const char* name, std::uint64_t inode,
                     const std::optional<os::Time>& born) {
  os::UniqueFd out(::openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat stat {};
  const bool is_it = out && ::fstat(out.get(), &stat) == 0 && stat.st_ino == inode &&
                     (!born || birth_of(out.get()) == born);
  return is_it ? std::move(out) : os::UniqueFd();
}

/// The same, of a file that lies in a folder or below.
os::UniqueFd find_below(const os::Dir& folder, std::uint64_t inode, os::Time born) {
  os::UniqueFd out;
  for (const auto& entry : folder.entries()) {
    if (entry.type != os::EntryType::folder && entry.inode == inode) {
      out = open_if(folder.fd(), entry.name.c_str(), inode, born);
    } else if (entry.type != os::EntryType::other) {
      try {
        const auto child = folder.try_open_child(entry.name.c_str());
        out = child ? find_below(*child, inode, born) : os::UniqueFd();
      } catch (const os::Error&) { // nothing is found where we may not look
      }
    }
    if (out) {
      break;
    }
  }
  return out;
}

os::UniqueFd find_below(const std::string& folder, std::uint64_t inode, os::Time born) {
  try {
    return find_below(os::Dir::open(folder), inode, born);
  } catch (const os::Error&) { // it is gone
    return {};
  }
}

std::string describe(const Caller& caller, const Call& call, int error_number) {
  return os::format("{}: {}: {}", caller.program(), call.name,
                    std::strerror(error_number)); // NOLINT(concurrency-mt-unsafe)
}

} // namespace

namespace {

struct FolderId {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const FolderId&) const = default;
};

std::optional<FolderId> id_of(int folder, const char* name) {
  struct stat stat {};
  return ::fstatat(folder, name, &stat, 0) == 0 ? std::optional(FolderId{stat.st_dev, stat.st_ino})
                                                : std::nullopt;
}

} // namespace

struct GuardedTrees::Tree {
  /// Who broke a file first.
  struct Break {
    std::string program;
    const char* call = nullptr;
  };

  ProtectedFiles files;
  os::Time listed;
  std::string folder; ///< of the snapshot, with a slash at its end; so the store's
  std::string store;
  std::string meeting;
  std::optional<FolderId> top; ///< of the snapshot
  std::optional<FolderId> root;
  std::map<std::uint64_t, Break> broken; ///< by inode
};

GuardedTrees::GuardedTrees() = default;
GuardedTrees::~GuardedTrees() = default;

const GuardedTrees::Tree& GuardedTrees::add(const Protection& protection) {
  Tree tree{ProtectedFiles(protection.device, protection.inodes),
            {protection.listed_seconds, protection.listed_nanoseconds},
            protection.tree + "/",
            protection.store + "/",
            protection.meeting,
            id_of(AT_FDCWD, protection.tree.c_str()),
            id_of(AT_FDCWD, (protection.tree + "/..").c_str()),
            {}};
  const std::lock_guard lock(m_mutex);
  return m_trees.emplace_back(std::move(tree));
}

bool GuardedTrees::contain(const NamedFile& file) const {
  if (!S_ISREG(file.stat.st_mode)) {
    return false;
  }
  const std::lock_guard lock(m_mutex);
  return std::ranges::any_of(m_trees, [&](const Tree& tree) {
    return tree.files.contains(file.stat.st_dev, file.stat.st_ino) &&
           !(file.stat.st_nlink == 1 && was_born_after(file, tree.listed));
  });
}

bool GuardedTrees::lie_beside(const NamedFile& file) const {
  const std::lock_guard lock(m_mutex);
  return S_ISREG(file.stat.st_mode) && std::ranges::any_of(m_trees, [&](const Tree& tree) {
           return tree.files.device() == file.stat.st_dev;
         });
}

bool GuardedTrees::is_in_store(const Place& place) const {
  const std::lock_guard lock(m_mutex);
  return std::ranges::any_of(m_trees,
                             [&](const Tree& tree) { return place.path.starts_with(tree.store); });
}

bool GuardedTrees::is_others(const Place& place) const {
  os::UniqueFd at(::openat(place.folder.get(), ".", O_PATH | O_CLOEXEC));
  std::optional<FolderId> below;
  for (auto folder = id_of(at.get(), "."); folder && folder != below;) {
    {
      const std::lock_guard lock(m_mutex);
      const auto is = [&](const std::optional<FolderId> Tree::*kind) {
        return std::ranges::any_of(m_trees, [&](const Tree& tree) { return tree.*kind == folder; });
      };
      if (is(&Tree::top) || is(&Tree::root)) {
        return is(&Tree::root);
      }
    }
    at = os::UniqueFd(::openat(at.get(), "..", O_PATH | O_CLOEXEC));
    below = std::exchange(folder, id_of(at.get(), "."));
  }
  return false;
}

std::string GuardedTrees::meeting_of(const Place& place) const {
  const std::lock_guard lock(m_mutex);
  // What is seen through another mount may lie in any.
  const auto in = std::ranges::find_if(
      m_trees, [&](const Tree& tree) { return place.path.starts_with(tree.folder); });
  return (in == m_trees.end() ? m_trees.front() : *in).meeting;
}

os::UniqueFd GuardedTrees::open_copy_of(std::uint64_t inode) {
  std::vector<const Tree*> trees;
  std::optional<Made> made;
  {
    const std::lock_guard lock(m_mutex);
    std::ranges::transform(m_trees, std::back_inserter(trees),
                           [](const Tree& tree) { return &tree; });
    if (const auto found = m_copies.find(inode); found != m_copies.end()) {
      made = found->second;
    }
  }
  os::UniqueFd out;
  if (!made) {
    for (const Tree* tree : trees) {
      const Turn turn(tree->meeting, inode); // who is just making one is about to tell
      const auto told = out ? std::nullopt : copy_told(tree->meeting, inode);
      out = told ? open_if(AT_FDCWD, (tree->folder + told->path).c_str(), told->inode, {})
                 : std::move(out);
    }
    return out;
  }
  out = open_if(AT_FDCWD, made->copy.path.c_str(), made->copy.inode, made->born);
  if (out || !made->born) {
    return out;
  }
  for (const Tree* tree : trees) {
    out = out ? std::move(out) : find_below(tree->folder, made->copy.inode, *made->born);
  }
  const std::lock_guard lock(m_mutex);
  if (auto& known = m_copies[inode]; out) {
    known.copy.path = path_of(out);
  } else {
    known.born.reset(); // it is not looked for once more
  }
  return out;
}

void GuardedTrees::tell_others(const NamedFile& file, const Place& place, int copy) const {
  struct stat stat {};
  const std::lock_guard lock(m_mutex);
  for (const Tree& tree : m_trees) {
    if (place.path.starts_with(tree.folder) && ::fstat(copy, &stat) == 0) {
      tell_of_copy(tree.meeting, file.stat.st_ino,
                   {place.path.substr(tree.folder.size()), stat.st_ino});
    }
  }
}

void GuardedTrees::remember(const NamedFile& file, const Place& place, int copy,
                            const Caller& caller, const Call& call) {
  const std::string program = caller.program();
  struct stat stat {};
  const bool is_known_copy = !place.path.empty() && ::fstat(copy, &stat) == 0;
  const std::lock_guard lock(m_mutex);
  if (is_known_copy) {
    m_copies[file.stat.st_ino] = {{place.path, stat.st_ino}, birth_of(copy)};
  }
  // Snapshots of one base share their files: the break is that of the one it happened in. What was
  // moved out of its snapshot, or is seen through another mount, may be of any.
  const auto lies_in = [&](const Tree& tree) { return place.path.starts_with(tree.folder); };
  const bool is_known = std::ranges::any_of(m_trees, lies_in);
  for (Tree& tree : m_trees) {
    if ((!is_known || lies_in(tree)) && tree.files.contains(file.stat.st_dev, file.stat.st_ino)) {
      tree.broken.try_emplace(file.stat.st_ino, Tree::Break{program, call.name});
    }
  }
}

void GuardedTrees::count_call(const Call& call, Duration took) {
  const std::lock_guard lock(m_mutex);
  auto& cost = m_costs[&call];
  ++cost.count;
  cost.time += took;
}

void GuardedTrees::count_unjudged(const Caller& caller, const Call& call, int error_number) {
  const std::string what = describe(caller, call, error_number);
  const std::lock_guard lock(m_mutex);
  ++m_unjudged[what];
}

void GuardedTrees::count_failure(const Caller& caller, const Call& call, int error_number) {
  const std::string what = describe(caller, call, error_number);
  const std::lock_guard lock(m_mutex);
  ++m_failed[what];
}

void GuardedTrees::add_to(Report& report, const Tree& tree) const {
  const std::lock_guard lock(m_mutex);
  for (const auto& [inode, broken] : tree.broken) {
    report.broken.push_back({inode, broken.program, broken.call});
  }
  for (const auto& [call, cost] : m_costs) {
    report.calls[call->name] = {cost.count, std::chrono::duration<double>(cost.time).count()};
  }
  report.unjudged = m_unjudged;
  report.failed = m_failed;
}

} // namespace snapfix::guard
