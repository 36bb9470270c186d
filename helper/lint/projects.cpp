#include "lint/projects.hpp"

#include "lint/files.hpp"
#include "lint/text.hpp"
#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/path.hpp"
#include "source/git.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>

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
  std::vector<std::string> parts;
  for (const auto& part : fs::path(start) / path) {
    if (part == "..") {
      if (parts.empty()) {
        return std::nullopt;
      }
      parts.pop_back();
    } else if (!part.empty() && part != "." && part != "/") {
      parts.push_back(part.string());
    }
  }
  std::string out;
  for (const std::string& part : parts) {
    out += (out.empty() ? "" : "/") + part;
  }
  return out;
}

std::string parent_of(const std::string& folder) {
  return std::string(source::folder_of(folder));
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

WorkTree::WorkTree(const std::string& top) : m_top(top) {
  source::ListingBuilder builder;
  source::list_git_work_tree(os::Dir::open(top), source::GitFiles::tracked_and_untracked, builder);
  m_listing = builder.finish();
  for (const auto& folder : m_listing.folders) {
    m_folders.emplace(folder.path, &folder);
  }
}

bool WorkTree::has_file(std::string_view folder, std::string_view name) const {
  const auto found = m_folders.find(folder);
  return found != m_folders.end() &&
         std::ranges::binary_search(found->second->names, name, {}, &source::ListedName::name);
}

bool WorkTree::has_lock(std::string folder) {
  while (!has_file(folder, "pyproject.toml")) {
    if (folder.empty()) {
      return false;
    }
    folder = parent_of(folder);
  }
  const auto [known, is_new] = m_known.try_emplace(folder, false);
  if (is_new) {
    known->second = find_lock(folder);
  }
  return known->second;
}

bool WorkTree::find_lock(const std::string& project) const {
  std::string above = project;
  while (!has_file(above, "uv.lock")) {
    if (above.empty()) {
      return false;
    }
    above = parent_of(above);
  }
  if (above == project) {
    return true;
  }
  const auto lock = read_text_file((fs::path(m_top) / above / "uv.lock").string());
  return lock && names_member(*lock, project.substr(above.empty() ? 0 : above.size() + 1));
}

bool WorkTree::has_any_lock() const {
  return std::ranges::any_of(m_listing.folders,
                             [&](const auto& folder) { return has_file(folder.path, "uv.lock"); });
}

std::vector<std::string> WorkTrees::without_lock() const {
  std::vector<std::string> out;
  for (const auto& [top, tree] : m_trees) {
    if (tree && !tree->has_any_lock()) {
      out.push_back(top);
    }
  }
  return out;
}

WorkTree* WorkTrees::around(const std::string& folder, std::string& top) {
  boost::system::error_code error;
  fs::path at = folder;
  while (!at.empty() && !fs::exists(at / ".git", error)) {
    at = at.parent_path();
  }
  if (at.empty()) {
    return nullptr;
  }
  top = at.string();
  const auto [known, is_new] = m_trees.try_emplace(top);
  if (is_new) {
    try {
      known->second = std::make_unique<WorkTree>(top);
    } catch (const os::Error&) { // files_of() says why
    }
  }
  return known->second.get();
}

Projects::Projects(const std::string& file, WorkTrees& trees) {
  boost::system::error_code error;
  m_file_folder =
      fs::canonical(fs::path(file).parent_path().empty() ? "." : fs::path(file).parent_path(),
                    error)
          .string();
  if (error) {
    return;
  }
  m_tree = trees.around(m_file_folder, m_top);
  std::string start = m_tree == nullptr || m_file_folder == m_top
                          ? ""
                          : m_file_folder.substr(m_top.size() + (m_top == "/" ? 0 : 1));
  m_starts.push_back(start);
  while (!start.empty()) {
    start = parent_of(start);
    m_starts.push_back(start);
  }
}

std::optional<std::string> Projects::find(const std::string& folder) const {
  for (const std::string& start : m_starts) {
    const auto path = normal(start, folder);
    if (path && (folder.empty() || m_tree->has_folder(*path))) {
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
  return found ? m_tree->has_lock(*found) : !what.known && m_tree->has_lock(m_starts.front());
}

Script Projects::script(const std::string& folder, const std::string& name) {
  const std::string path = named(joined(folder, name)).path;
  if (path.empty() || (!path.ends_with(".py") && path.find('/') == std::string::npos)) {
    return Script::plain;
  }
  constexpr std::size_t k_most = 500; // of one file
  const auto known = m_scripts.find(path);
  if (known != m_scripts.end() || m_scripts.size() >= k_most) {
    return known != m_scripts.end() ? known->second : Script::plain;
  }
  return m_scripts[path] = look_at_script(path);
}

Script Projects::look_at_script(const std::string& path) const {
  boost::system::error_code error;
  for (fs::path above = m_file_folder; !above.empty(); above = above.parent_path()) {
    const fs::path candidate = above / path;
    if (fs::is_regular_file(candidate, error)) {
      const auto text = read_text_file(candidate.string());
      const bool own = text && contains("\n" + *text, "\n# /// script");
      return !own                                              ? Script::plain
             : fs::exists(candidate.string() + ".lock", error) ? Script::own_lock
                                                               : Script::own_requirements;
    }
    if (fs::exists(above / ".git", error)) {
      break;
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
