#pragma once

#include "os/dir.hpp"
#include "os/file.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace snapfix::source {

/// Where git keeps what belongs to a work tree: absolute paths.
struct GitFolder {
  std::string work_tree;
  std::string own;    ///< its HEAD, its index
  std::string common; ///< objects, refs, configuration: for most the same folder
};

/// That of a work tree, which need not be the only one of its repository; nothing where its folder
/// has no `.git`. Throws os::Error where that leads to no repository.
std::optional<GitFolder> find_git_folder(const std::string& work_tree);

/// What a look at the files says that decide what git says: the same as long as they stay.
struct GitLook {
  os::Hash hash;
  os::Stat newest; ///< of the one with the latest ctime
};

/// Looks at names and stats alone, also of the files that the configuration includes. Throws
/// os::Error.
GitLook look_at(const GitFolder& git, const std::vector<std::string>& included);

/// What a `.git` of the same state holds, for a copy of the work tree.
struct GitState {
  struct File {
    std::string content;
    os::Time mtime;
  };
  std::map<std::string, File> files; ///< by their paths; all but the index
  std::set<std::string> folders;     ///< also empty ones; those above others are among them
  std::map<std::string, File> index; ///< as it lies there, with its shared one; or nothing
  std::vector<std::string> included; ///< files of the configuration
  bool is_doubtful = false;          ///< git had something to say: it may have left out a ref
};

/// Asks git, and reads: HEAD, refs, configuration (`snapshot_config`), what is under way (a merge),
/// and where the objects are: they are not taken. Throws os::Error.
GitState read_git_folder(const GitFolder& git);

/// What a `.git` holds that has a commit checked out, without a branch: nothing is under way in it,
/// and nothing is edited as far as its index knows. `scratch` is as for plain_index(). Throws
/// os::Error.
GitState git_state_at(const GitFolder& git, const std::string& commit, const os::Dir& scratch);

/// An index as any work tree may have it: whole, without what holds for one place alone.
struct PlainIndex {
  std::string content;
  os::Hash entries; ///< the same as long as it says the same to a copy of the work tree
};

/// Makes one of the state's index. `scratch` is an empty folder, in which a git folder is made for
/// that. Throws os::Error.
PlainIndex plain_index(const GitFolder& git, const GitState& state, const os::Dir& scratch);

/// The objects of a snapshot's `.git`, which lie elsewhere.
struct BorrowedObjects {
  std::vector<std::string> stores;
  bool have_head = true; ///< the commit of HEAD, if it has one, and its tree are there
};

/// Nothing for a folder whose `.git` borrows none, or cannot be asked.
std::optional<BorrowedObjects> borrowed_objects(const std::string& work_tree);

/// Makes the folder hold these files and folders, and nothing else; what is the same stays as it
/// is. Throws os::Error.
void write_files(const os::Dir& dir, const std::map<std::string, GitState::File>& files,
                 const std::set<std::string>& folders);

} // namespace snapfix::source
