#include "lint/projects.hpp"

#include "lint/files.hpp"
#include "lint/text.hpp"
#include "os/dir.hpp"
#include "os/error.hpp"
#include "source/git.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <filesystem>

namespace snapfix::lint {
namespace {

namespace fs = boost::filesystem;

bool is_expansion(std::string_view path) {
  return !path.empty() && contains("$`{~", path.substr(0, 1));
}

/// What is known of a folder that a command names: nothing stands for what an expansion hides.
struct Named {
  bool elsewhere = false; ///< a temporary one
  bool known = true;      ///< its beginning
  std::string path;
};

Named named(const std::string& folder) {
  Named out;
  out.path = folder;
  if (is_expansion(folder)) { // "$ROOT/sub", "$(dirname "$0")/..", {{x}}/sub
    const auto last = folder.find_last_of("$`})");
    const auto slash = folder.find('/', last == std::string::npos ? 0 : last);
    out.path = slash == std::string::npos ? "" : folder.substr(slash + 1);
    out.known = false;
  } else if (folder.starts_with('/') || folder.find_first_of("$`{*?") != std::string::npos) {
    out.path.clear();
    out.known = false;
  }
  const std::string low = lower(folder);
  out.elsewhere = !out.known && (contains(low, "tmp") || contains(low, "mktemp") ||
                                 contains(low, "tempdir") || contains(low, "temp_"));
  return out;
}

/// `start`/`path` without `.` and `..`; nothing if it leads out of the tree.
std::optional<std::string> normal(const std::string& start, const std::string& path) {
  const auto whole = std::filesystem::path(start) / path;
  std::string out = whole.relative_path().lexically_normal().string();
  out.erase(out.find_last_not_of('/') + 1);
  return out == ".." || out.starts_with("../") ? std::nullopt
                                               : std::optional(out == "." ? "" : out);
}

/// Whether the lock says that the project in `folder`, seen from it, is of its workspace: a path
/// dependency stands there as well, and is none of the members.
bool names_member(const std::string& lock, const std::string& folder) {
  for (const char* kind : {"editable", "virtual"}) {
    const auto at = lock.find(std::string("source = { ") + kind + " = \"" + folder + "\" }");
    const auto name = at == std::string::npos ? at : lock.rfind("\nname = ", at);
    if (name == std::string::npos) {
      continue;
    }
    const std::string line = lock.substr(name + 8, lock.find('\n', name + 1) - name - 8);
    const auto members = lock.find("\nmembers = [");
    const auto end = lock.find(']', members);
    return members != std::string::npos &&
           contains(std::string_view(lock).substr(members, end - members), line);
  }
  return false;
}

} // namespace

std::string WorkTree::path(const std::string& folder, const char* file) const {
  return (fs::path(top) / folder / file).string();
}

bool WorkTree::has_lock(std::string folder) {
  boost::system::error_code error;
  while (!fs::exists(path(folder, "pyproject.toml"), error)) {
    if (folder.empty()) {
      return false;
    }
    folder = source::folder_of(folder);
  }
  std::string above = folder;
  while (!above.empty() && locks.count(above) == 0) {
    above = source::folder_of(above);
  }
  if (above == folder || locks.count(above) == 0) {
    return locks.count(above) != 0;
  }
  const auto [answer, is_new] = known.try_emplace(folder, false);
  if (is_new) {
    const auto lock = read_text_file(path(above, "uv.lock"));
    answer->second =
        lock && names_member(*lock, folder.substr(above.empty() ? 0 : above.size() + 1));
  }
  return answer->second;
}

std::vector<std::string> WorkTrees::without_lock() const {
  std::vector<std::string> out;
  for (const auto& [top, tree] : m_trees) {
    if (tree && tree->locks.empty()) {
      out.push_back(top);
    }
  }
  return out;
}

WorkTree* WorkTrees::around(const std::string& folder) {
  const auto top = source::work_tree_around(folder);
  if (!top) {
    return nullptr;
  }
  const auto [known, is_new] = m_trees.try_emplace(*top);
  if (is_new) {
    try {
      source::ListingBuilder builder;
      source::list_git_work_tree(os::Dir::open(*top), source::GitFiles::tracked_and_untracked,
                                 builder);
      const auto folders = builder.folders_holding("uv.lock");
      known->second = WorkTree{*top, {folders.begin(), folders.end()}};
    } catch (const os::Error&) { // files_of() says why
    }
  }
  return known->second ? &*known->second : nullptr;
}

Projects::Projects(const std::string& file, WorkTrees& trees) {
  boost::system::error_code error;
  const fs::path folder = fs::path(file).parent_path();
  fs::path above = fs::canonical(folder.empty() ? "." : folder, error);
  if (error) {
    return;
  }
  m_tree = trees.around(above.string());
  for (; !above.empty(); above = above.parent_path()) {
    m_above.push_back(above.string());
    if (fs::exists(above / ".git", error)) {
      break;
    }
  }
}

std::optional<std::string> Projects::find(const std::string& folder) const {
  boost::system::error_code error;
  for (const std::string& above : m_above) {
    const std::size_t top = m_tree->top.size();
    auto path = normal(above.substr(std::min(top, above.size())), folder);
    if (path && (folder.empty() || fs::is_directory(m_tree->path(*path, ""), error))) {
      return path;
    }
  }
  return std::nullopt;
}

bool Projects::has_lock(const std::string& folder, const std::string& script) const {
  if (m_tree == nullptr) {
    return true;
  }
  const Named what = named(folder);
  if (what.elsewhere) {
    return false;
  }
  auto found = find(what.path);
  if (const auto slash = script.rfind('/'); slash != std::string::npos && script.ends_with(".py")) {
    const auto beside = find(named(joined(folder, script.substr(0, slash))).path);
    found = beside ? beside : found;
  }
  found = found || what.known ? found : find("");
  return found && m_tree->has_lock(*found);
}

Script Projects::script(const std::string& folder, const std::string& name) {
  const std::string path = named(joined(folder, name)).path;
  const auto [known, is_new] = m_scripts.try_emplace(path, Script::plain);
  if (is_new && (path.ends_with(".py") || contains(path, "/"))) {
    known->second = look_at_script(path);
  }
  return known->second;
}

Script Projects::look_at_script(const std::string& path) const {
  boost::system::error_code error;
  for (const std::string& above : m_above) {
    const fs::path candidate = fs::path(above) / path;
    if (fs::is_regular_file(candidate, error)) {
      const auto text = read_text_file(candidate.string());
      const bool own = text && contains("\n" + *text, "\n# /// script");
      return !own                                              ? Script::plain
             : fs::exists(candidate.string() + ".lock", error) ? Script::own_lock
                                                               : Script::own_requirements;
    }
  }
  return Script::plain;
}

std::string joined(const std::string& from, const std::string& folder) {
  return from.empty() || folder.starts_with('/') || is_expansion(folder) ? folder
         : folder.empty()                                                ? from
                                                                         : from + "/" + folder;
}

} // namespace snapfix::lint
