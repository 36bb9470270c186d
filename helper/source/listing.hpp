#pragma once

#include "os/dir.hpp"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace snapfix::source {

/// What a work tree has, a folder or a file.
constexpr const char* k_dot_git = ".git";

/// A name that a folder of the source should hold.
struct ListedName {
  std::string_view name;      ///< in Listing::texts, a NUL behind it
  bool skip_worktree = false; ///< git: may be absent because of a sparse checkout
};

struct ListedFolder {
  std::string path; ///< relative to the source, empty for the source itself
  std::size_t parent = 0;
  std::vector<ListedName> names; ///< in byte order, each once
  bool keep_if_empty = false;    ///< a folder in its own right, not only because of its files
};

/// Which paths there are, grouped by folder: a folder stands before what it holds, and a whole
/// subtree is one stretch.
struct Listing {
  std::vector<ListedFolder> folders;
  std::deque<std::string> texts;
  std::uint64_t uncloned = 0;     ///< submodules that are not cloned: empty folders
  std::vector<std::string> notes; ///< what the user should know about it
};

/// Gathers a Listing from paths in any order.
class ListingBuilder {
public:
  ListingBuilder();

  /// Adds the file `path` (relative) below `prefix` (empty, or with a slash at its end).
  void add_file(std::string_view prefix, std::string_view path, bool skip_worktree = false);

  /// Adds a folder that exists even with nothing in it.
  void add_folder(const std::string& path);

  /// Notes that a folder of the source, or the source itself (""), has a `.git`. That is not
  /// listed.
  void add_work_tree(std::string path) { m_work_trees.push_back(std::move(path)); }
  const std::vector<std::string>& work_trees() const noexcept { return m_work_trees; }

  void add_note(std::string text) { m_listing.notes.push_back(std::move(text)); }
  void count_uncloned() { ++m_listing.uncloned; }

  /// Takes out a folder with all below it.
  void drop_folder(const std::string& path);

  bool holds_a_file() const noexcept;

  /// The folders that were given a file of that name.
  std::vector<std::string> folders_holding(std::string_view name) const;

  Listing finish();

private:
  std::size_t folder_index(std::string_view path);
  std::string_view keep(std::string_view name);

  Listing m_listing;
  std::vector<std::string> m_work_trees;
  std::unordered_map<std::string, std::size_t> m_index;
  std::string m_last_path;
  std::size_t m_last_index = 0;
};

/// A source that is open: its folder, and the one that holds in its stead what lies in a `.git`.
struct SourceDirs {
  os::Dir top;
  std::optional<os::Dir> git; ///< nothing: nothing in a `.git` is listed
};

/// Whether `path` is a `.git` or lies in one.
bool lies_in_git(std::string_view path) noexcept;

/// Opens a folder of a source as below; nothing also for one in a `.git` that nobody made.
std::optional<os::Dir> open_below(const SourceDirs& dirs, std::string_view path);

/// Opens a folder below `top`, component by component, following no symlink; nothing where there
/// is no such folder.
std::optional<os::Dir> open_below(const os::Dir& top, std::string_view path);

/// The folder of a relative path, empty for the source itself, and its last component.
std::string_view folder_of(std::string_view path);
std::string_view name_of(std::string_view path);

/// The relative path of what `name` says in `folder`; either may be empty.
std::string path_below(std::string_view folder, std::string_view name);

/// Whether a symlink in `folder` with that text points out of the source.
bool leaves_tree(std::string_view folder, std::string_view target);

/// Whether `path` is `folder` or lies below it; every path lies below "".
bool is_below(std::string_view path, std::string_view folder) noexcept;

} // namespace snapfix::source
