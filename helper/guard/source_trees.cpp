#include "guard/source_trees.hpp"

#include "os/process.hpp"
#include "source/list.hpp"
#include "source/listing.hpp"

#include <algorithm>

namespace snapfix::guard {
namespace {

constexpr std::size_t k_most_writes = 1000; ///< that are recorded one by one

bool lies_in_git_folder(const std::string& path, const ProtectedSource& source) {
  return std::ranges::any_of(source.git_folders, [&](const std::string& folder) {
    return source::is_below(path, folder);
  });
}

/// The path itself where it lies elsewhere.
std::string path_in(const std::string& path, const std::string& folder) {
  if (!source::is_below(path, folder)) {
    return path;
  }
  const std::size_t begin = folder == "/" ? 1 : folder.size() + 1;
  return begin < path.size() ? path.substr(begin) : ".";
}

/// Whether the thread belongs to that process or comes from it.
bool comes_from(pid_t thread, pid_t process) {
  for (auto here = os::process_of(thread); here && *here != 0; here = os::parent_of(*here)) {
    if (*here == process) {
      return true;
    }
  }
  return false;
}

} // namespace

SourceTrees::Tree& SourceTrees::add(const ProtectedSource& source, pid_t run) {
  const std::lock_guard lock(m_mutex);
  return m_trees.emplace_back(Tree{source, run, false, {}, {}, 0});
}

void SourceTrees::end(Tree& tree) {
  const std::lock_guard lock(m_mutex);
  tree.is_over = true;
}

/// By the path alone. What does not change of a tree may be read without the lock.
std::vector<SourceTrees::Tree*> SourceTrees::candidates(const std::string& path) {
  std::vector<Tree*> out;
  const std::lock_guard lock(m_mutex);
  for (Tree& tree : m_trees) {
    if (!tree.is_over && tree.source.writes != SourceWrites::allow &&
        (source::is_below(path, tree.source.path) || lies_in_git_folder(path, tree.source)) &&
        !source::is_below(path, tree.source.root) &&
        std::ranges::none_of(tree.exempt, [&](const std::string& folder) {
          return source::is_below(path, folder);
        })) {
      out.push_back(&tree);
    }
  }
  return out;
}

/// The lock is not held while files are looked at: a file system may make us wait.
std::vector<SourceTrees::Tree*> SourceTrees::that_hold(const std::string& path, pid_t thread) {
  auto out = candidates(path);
  std::erase_if(out, [&](Tree* tree) {
    const ProtectedSource& source = tree->source;
    if (tree->run != 0 && !comes_from(thread, tree->run)) {
      return true;
    }
    if (lies_in_git_folder(path, source)) {
      return false;
    }
    if (source.is_build_tree) {
      return !std::ranges::binary_search(source.files, path_in(path, source.path));
    }
    auto exempt = source::folder_apart(source.path, path);
    if (!exempt) {
      return false;
    }
    const std::lock_guard lock(m_mutex);
    tree->exempt.push_back(std::move(*exempt));
    return true;
  });
  return out;
}

bool SourceTrees::deny(const std::vector<Tree*>& trees) {
  return std::ranges::any_of(
      trees, [](const Tree* tree) { return tree->source.writes == SourceWrites::deny; });
}

void SourceTrees::remember(const std::vector<Tree*>& trees, const std::string& path,
                           const std::string& program, const char* call) {
  const std::lock_guard lock(m_mutex);
  for (Tree* tree : trees) {
    std::tuple write{path_in(path, tree->source.path), program, std::string(call)};
    if (tree->writes.size() < k_most_writes || tree->writes.contains(write)) {
      tree->writes.insert(std::move(write));
    } else {
      ++tree->more;
    }
  }
}

void SourceTrees::add_to(Report& report, const Tree& tree) const {
  const std::lock_guard lock(m_mutex);
  for (const auto& [path, program, call] : tree.writes) {
    report.source_writes.push_back({path, program, call});
  }
  report.more_source_writes = tree.more;
}

} // namespace snapfix::guard
