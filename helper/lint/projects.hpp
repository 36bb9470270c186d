#pragma once

#include "source/listing.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace snapfix::lint {

/// Which folders of a git work tree have projects of uv, and locks that git does not ignore.
class WorkTree {
public:
  /// Throws os::Error if git cannot list it.
  explicit WorkTree(const std::string& top);

  bool has_folder(const std::string& folder) const { return m_folders.count(folder) != 0; }
  /// Whether uv, started in `folder`, finds a project, and a lock of it: its own, or that of the
  /// workspace whose member it is.
  bool has_lock(std::string folder);
  bool has_any_lock() const;

private:
  bool has_file(std::string_view folder, std::string_view name) const;
  bool find_lock(const std::string& project) const;

  std::string m_top;
  source::Listing m_listing;
  std::unordered_map<std::string_view, const source::ListedFolder*> m_folders;
  std::map<std::string, bool> m_known; ///< by project
};

/// Work trees, each of which git lists once.
class WorkTrees {
public:
  /// The one that the folder, absolute and without symlinks, lies in; nullptr for none, and for
  /// one that git does not list.
  WorkTree* around(const std::string& folder, std::string& top);

  /// The tops of those that were asked for and have no lock at all.
  std::vector<std::string> without_lock() const;

private:
  std::map<std::string, std::unique_ptr<WorkTree>> m_trees; ///< by their top
};

/// What a run of `uv run x.py` would find there.
enum class Script { plain, own_requirements, own_lock };

/// What the commands in one file meet. Nobody knows from where they will be run: the folder of the
/// file counts, and those above it as far as they have a folder that a command names.
class Projects {
public:
  Projects(const std::string& file, WorkTrees& trees);

  /// Whether a lock is tracked for what works in `folder`, as a shell writes it: "" for where the
  /// file's commands begin. `script` is what `uv run` is to run, whose folder counts then. Outside
  /// a work tree: yes.
  bool has_lock(const std::string& folder, const std::string& script) const;

  /// A script with requirements of its own (PEP 723) has a lock of its own or none.
  Script script(const std::string& folder, const std::string& name);

private:
  Script look_at_script(const std::string& path) const;
  /// A folder of the work tree that is meant.
  std::optional<std::string> find(const std::string& folder) const;

  std::string m_file_folder;
  std::string m_top;
  WorkTree* m_tree = nullptr;
  std::map<std::string, Script> m_scripts; ///< that were looked at, by path
  std::vector<std::string> m_starts; ///< relative to the work tree's top, the file's folder first
};

/// `folder` seen from `from`: absolute paths and expansions start anew.
std::string joined(const std::string& from, const std::string& folder);

} // namespace snapfix::lint
