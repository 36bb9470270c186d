#include "source/list.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "source/git.hpp"

#include <algorithm>

namespace snapfix::source {
namespace {

constexpr std::string_view k_build_tree_mark = "CMakeCache.txt";
constexpr std::string_view k_root_mark = ".snapfix";

/// The part of `path` below `folder`; nothing if it lies elsewhere.
std::optional<std::string> path_in(const std::string& path, const std::string& folder) {
  if (!is_below(path, folder) || path == folder) {
    return std::nullopt;
  }
  return path.substr(folder == "/" ? 1 : folder.size() + 1);
}

/// Walks folders of the source without git.
class Walker {
public:
  Walker(const std::optional<std::string>& root, ListingBuilder& listing)
      : m_root(root), m_listing(listing) {}

  /// Adds what lies in `folder`; with `wanted` only files that it matches, and no folder for its
  /// own sake. Build trees and roots on the way are left out; `folder` itself is not judged.
  void walk(const os::Dir& folder, const std::string& path, const GlobSet* wanted);

  std::vector<std::string> m_build_trees; ///< that were left out

private:
  bool is_left_out(const os::Dir& folder, const std::string& path,
                   const std::vector<os::DirEntry>& entries);
  void walk_entries(const os::Dir& folder, const std::string& path,
                    const std::vector<os::DirEntry>& entries, const GlobSet* wanted);

  const std::optional<std::string>& m_root;
  ListingBuilder& m_listing;
};

bool Walker::is_left_out(const os::Dir& folder, const std::string& path,
                         const std::vector<os::DirEntry>& entries) {
  if (path == m_root) {
    return true;
  }
  for (const auto& entry : entries) {
    if (entry.name == k_root_mark && folder.try_open_child(entry.name.c_str())) {
      return true;
    }
    if (entry.name == k_build_tree_mark) {
      m_build_trees.push_back(path);
      return true;
    }
  }
  return false;
}

void Walker::walk(const os::Dir& folder, const std::string& path, const GlobSet* wanted) {
  walk_entries(folder, path, folder.entries(), wanted);
}

void Walker::walk_entries(const os::Dir& folder, const std::string& path,
                          const std::vector<os::DirEntry>& entries, const GlobSet* wanted) {
  for (const auto& entry : entries) {
    if (entry.name == k_dot_git) {
      if (wanted == nullptr) {
        m_listing.add_work_tree(path);
      }
      continue;
    }
    const std::string entry_path = path_below(path, entry.name);
    bool is_folder = entry.type == os::EntryType::folder;
    if (entry.type == os::EntryType::unknown) {
      const auto stat = folder.try_stat(entry.name.c_str());
      is_folder = stat && stat->is_folder();
    }
    if (!is_folder) {
      if (wanted == nullptr || wanted->matches(entry_path)) {
        m_listing.add_file("", entry_path);
      }
      continue;
    }
    const auto child = folder.try_open_child(entry.name.c_str());
    if (!child) {
      continue; // gone since: the second pass of a freeze sees that
    }
    const auto child_entries = child->entries();
    if (!is_left_out(*child, entry_path, child_entries)) {
      if (wanted == nullptr) {
        m_listing.add_folder(entry_path);
      }
      walk_entries(*child, entry_path, child_entries, wanted);
    }
  }
}

void note_build_trees(ListingBuilder& listing, std::vector<std::string> trees) {
  std::ranges::sort(trees);
  trees.erase(std::unique(trees.begin(), trees.end()), trees.end());
  for (const auto& tree : trees) {
    listing.add_note(os::format("the build tree {} is left out", os::quoted(tree)));
  }
}

/// Untracked build trees that git does not ignore are no part of the source.
std::vector<std::string> untracked_build_trees(const os::Dir& top, const Listing& tracked,
                                               const ListingBuilder& listing) {
  std::vector<std::string> out;
  for (const auto& folder : listing.folders_holding(k_build_tree_mark)) {
    const bool is_tracked = std::ranges::any_of(tracked.folders, [&](const auto& known) {
      return known.path == folder && std::ranges::any_of(known.names, [](const auto& held) {
               return held.name == k_build_tree_mark;
             });
    });
    if (!folder.empty() && !is_tracked && open_below(top, folder)) {
      out.push_back(folder);
    }
  }
  return out;
}

void list_untracked(const os::Dir& top, ListingBuilder& listing) {
  list_git_work_tree(top, GitFiles::tracked_and_untracked, listing);
  if (listing.folders_holding(k_build_tree_mark).empty()) {
    return;
  }
  ListingBuilder tracked_builder;
  list_git_work_tree(top, GitFiles::tracked, tracked_builder);
  const Listing tracked = tracked_builder.finish();
  const auto trees = untracked_build_trees(top, tracked, listing);
  for (const auto& tree : trees) {
    listing.drop_folder(tree);
  }
  note_build_trees(listing, trees);
}

void add_included(const os::Dir& top, const Selection& selection,
                  const std::optional<std::string>& root, ListingBuilder& listing) {
  Walker walker(root, listing);
  for (const auto& folder : selection.include.folders()) {
    if (std::ranges::count(split_path(folder), std::string_view(k_dot_git)) != 0) {
      throw os::Error("--include names files in " + os::quoted(folder) +
                          ": what lies in a .git is never taken",
                      "copy what the tests need to another place");
    }
    if (root && is_below(folder, *root)) {
      continue;
    }
    if (const auto start = open_below(top, folder)) {
      walker.walk(*start, folder, &selection.include);
    }
  }
}

[[noreturn]] void throw_nothing_listed(const Selection& selection) {
  if (selection.files == FileSet::all) {
    throw os::Error(os::format("the source {} holds no file", os::quoted(selection.source)),
                    "name another one with --source");
  }
  throw os::Error(os::format("git lists no file in {}", os::quoted(selection.source)),
                  "is it an ignored folder, or is nothing added yet? --files all takes every file, "
                  "--files untracked what git does not ignore");
}

} // namespace

FileSet default_files(const std::string& source) {
  return is_git_work_tree(source) ? FileSet::tracked : FileSet::all;
}

Git choose_git(Git wanted, const std::string& source, FileSet files) {
  const bool has_git = os::Dir::open(source).try_stat(k_dot_git).has_value();
  if (wanted == Git::on && !has_git) {
    const auto top = work_tree_around(source);
    throw os::Error(
        top ? os::format("--git on: the source {} is a subfolder of the git work tree {}, whose "
                         ".git knows its files by other paths",
                         os::quoted(source), os::quoted(*top))
            : os::format("--git on: the source {} is no git work tree", os::quoted(source)),
        top ? "take all of the work tree (--top, SOURCE_DIR), or leave out --git on"
            : "leave it out");
  }
  if (wanted != Git::automatic) {
    return wanted;
  }
  // Where git lists the files, it tells of what is wrong; every file is also taken where it cannot.
  return has_git && (files != FileSet::all || is_work_tree_top(source)) ? Git::on : Git::off;
}

bool is_build_tree(const std::string& folder) {
  return os::is_visible(path_below(folder, k_build_tree_mark));
}

std::optional<std::string> folder_apart(const std::string& source, const std::string& path) {
  for (std::size_t end = source == "/" ? 0 : source.size(); end < path.size();) {
    end = std::min(path.find('/', end + 1), path.size());
    std::string folder = path.substr(0, end);
    if (is_build_tree(folder) || os::is_visible(path_below(folder, k_root_mark))) {
      return folder;
    }
  }
  return std::nullopt;
}

void refuse_root_of_files(const Selection& selection) {
  const auto root = path_in(selection.root, selection.source);
  if (!root) {
    return;
  }
  Selection whole = selection;
  whole.root.clear();
  for (const auto& folder : list_source(whole).folders) {
    if (is_below(folder.path, *root) && !folder.names.empty()) {
      throw os::Error(os::format("the root {} holds files of the source, as {}",
                                 os::quoted(selection.root),
                                 os::quoted(path_below(folder.path, folder.names[0].name))),
                      "choose another --root: a folder that is not there yet, or an empty one");
    }
  }
}

Listing list_source(const Selection& selection, const AddGit& add_git) {
  const os::Dir top = os::Dir::open(selection.source);
  const auto root = path_in(selection.root, selection.source);
  ListingBuilder listing;
  switch (selection.files) {
  case FileSet::tracked:
    list_git_work_tree(top, GitFiles::tracked, listing);
    break;
  case FileSet::untracked:
    list_untracked(top, listing);
    break;
  case FileSet::all: {
    Walker walker(root, listing);
    walker.walk(top, "", nullptr);
    note_build_trees(listing, walker.m_build_trees);
    break;
  }
  }
  if (!selection.include.empty()) {
    add_included(top, selection, root, listing);
  }
  if (root) {
    listing.drop_folder(*root);
  }
  if (!listing.holds_a_file()) {
    throw_nothing_listed(selection);
  }
  if (add_git) {
    add_git(listing);
  }
  return listing.finish();
}

} // namespace snapfix::source
