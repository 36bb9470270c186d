#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::lint {

/// A git work tree, and the folders with a lock that git does not ignore.
struct WorkTree {
  std::string top;
  std::set<std::string> locks = {};
  std::map<std::string, bool> known = {}; ///< has_lock() by folder

  std::string path(const std::string& folder, const char* file) const;
  /// Whether uv, started in `folder`, finds a project, and a lock of it: its own, or that of the
  /// workspace whose member it is.
  bool has_lock(std::string folder);
};

/// Work trees, each of which git lists once.
class WorkTrees {
public:
  /// The one that the folder, absolute and without symlinks, lies in; nullptr for none, and for
  /// one that git does not list.
  WorkTree* around(const std::string& folder);

  /// The tops of those that were asked for and have no lock at all.
  std::vector<std::string> without_lock() const;

private:
  std::map<std::string, std::optional<WorkTree>> m_trees; ///< by their top
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

  WorkTree* m_tree = nullptr;
  std::vector<std::string> m_above;        ///< the file's folder first, up to the work tree's top
  std::map<std::string, Script> m_scripts; ///< that were looked at, by path
};

/// `folder` seen from `from`: absolute paths and expansions start anew.
std::string joined(const std::string& from, const std::string& folder);

} // namespace snapfix::lint
