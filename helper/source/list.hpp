#pragma once

#include "os/words.hpp"
#include "source/glob.hpp"
#include "source/listing.hpp"

#include <array>
#include <cstdint>
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

/// A source and what of it is wanted.
struct Selection {
  std::string source; ///< absolute, without symlinks
  FileSet files = FileSet::tracked;
  GlobSet include;  ///< ignored or generated files to take as well
  std::string root; ///< absolute, without symlinks; left out where it lies in the source
};

/// `tracked` in a git work tree, else `all`.
/// Throws os::Error where there is a `.git` that git cannot read, or no git to read it.
FileSet default_files(const std::string& source);

/// Whether it is a build tree: it has a CMakeCache.txt.
bool is_build_tree(const std::string& folder);

/// The outermost build tree or root that lies in the source and holds `path` (or is it): that is no
/// part of the source. Nothing if there is none. Both are absolute, `path` below `source`.
std::optional<std::string> folder_apart(const std::string& source, const std::string& path);

/// Throws os::Error if the folder that is to become the root holds files of the source.
void refuse_root_of_files(const Selection& selection);

/// The paths that `selection` means, as they are now. Throws os::Error where git fails or lists
/// nothing: an empty list is never taken for an answer.
Listing list_source(const Selection& selection);

} // namespace snapfix::source

template<>
inline constexpr std::array snapfix::os::k_words<snapfix::source::FileSet>{"tracked", "untracked",
                                                                           "all"};
