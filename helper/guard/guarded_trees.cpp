#include "guard/guarded_trees.hpp"

#include "os/format.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>

namespace snapfix::guard {
namespace {

/// A file of our list was there before it. One that was not has got the number of one that is gone,
/// which can be only if nobody held that any more: so a clock that was set back deceives us not
/// with files that have more names.
bool was_born_after(const NamedFile& file, const timespec& time) {
  struct statx stat {};
  if (::statx(file.file.get(), "", AT_EMPTY_PATH, STATX_BTIME, &stat) != 0 ||
      (stat.stx_mask & STATX_BTIME) == 0) {
    return false;
  }
  return stat.stx_btime.tv_sec > time.tv_sec ||
         (stat.stx_btime.tv_sec == time.tv_sec && stat.stx_btime.tv_nsec > time.tv_nsec);
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
  timespec listed;
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

std::optional<Copy> GuardedTrees::copy_of(std::uint64_t inode) const {
  std::vector<std::pair<std::string, std::string>> places; // where guards meet, and their tree
  {
    const std::lock_guard lock(m_mutex);
    const auto found = m_copies.find(inode);
    if (found != m_copies.end()) {
      return found->second;
    }
    for (const Tree& tree : m_trees) {
      places.emplace_back(tree.meeting, tree.folder);
    }
  }
  for (const auto& [meeting, folder] : places) {
    const Turn turn(meeting, inode); // who is just making one is about to tell
    if (auto told = copy_told(meeting, inode)) {
      told->path = folder + told->path;
      return told;
    }
  }
  return std::nullopt;
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
    m_copies[file.stat.st_ino] = {place.path, stat.st_ino};
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
