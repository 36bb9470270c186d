#pragma once

#include "os/words.hpp"
#include "source/glob.hpp"
#include "source/listing.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::source {

/// Which files of the source a base holds.
enum class FileSet : std::uint8_t {
  tracked,   ///< what git tracks, submodules included
  untracked, ///< tracked, and what git does not ignore
  all        ///< every file but `.git`
};

/// Whether a snapshot gets a `.git` of its own.
enum class Git : std::uint8_t {
  automatic, ///< where the source is the top of a git work tree
  on,
  off
};

/// A source and what of it is wanted.
struct Selection {
  std::string source; ///< absolute, without symlinks
  FileSet files = FileSet::tracked;
  GlobSet include;    ///< ignored or generated files to take as well
  std::string root;   ///< absolute, without symlinks; left out where it lies in the source
  Git git = Git::off; ///< never `automatic`: see choose_git()
};

/// `tracked` in a git work tree, else `all`.
/// Throws os::Error where there is a `.git` that git cannot read, or no git to read it.
FileSet default_files(const std::string& source);

/// What `wanted` is for that source and file set, on or off. Throws os::Error where it is to be on
/// and cannot.
Git choose_git(Git wanted, const std::string& source, FileSet files);

/// Whether it is a build tree: it has a CMakeCache.txt.
bool is_build_tree(const std::string& folder);

/// The outermost build tree or root that lies in the source and holds `path` (or is it): that is no
/// part of the source. Nothing if there is none. Both are absolute, `path` below `source`.
std::optional<std::string> folder_apart(const std::string& source, const std::string& path);

/// Throws os::Error if the folder that is to become the root holds files of the source.
void refuse_root_of_files(const Selection& selection);

/// Adds to a listing what the `.git` folders of its work trees are to hold.
using AddGit = std::function<void(ListingBuilder& listing)>;

/// The paths that `selection` means, as they are now; what lies in a `.git` only by `add_git`.
/// Throws os::Error where git fails or lists nothing: an empty list is never taken for an answer.
Listing list_source(const Selection& selection, const AddGit& add_git = {});

} // namespace snapfix::source

template<>
inline constexpr std::array snapfix::os::k_words<snapfix::source::FileSet>{"tracked", "untracked",
                                                                           "all"};
template<>
inline constexpr std::array snapfix::os::k_words<snapfix::source::Git>{"auto", "on", "off"};
