#pragma once

#include "source/listing.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace snapfix::source {

struct ScannedFile {
  std::string_view name; ///< points into the Listing's texts
  os::Stat stat;         ///< a regular file or a symlink
};

struct ScannedFolder {
  std::string path;
  os::Stat stat;
  std::vector<ScannedFile> files;
};

/// What was listed but is not taken, and why.
struct LeftOut {
  std::uint64_t deleted = 0; ///< tracked, but not in the work tree
  std::uint64_t sparse = 0;  ///< outside a sparse checkout
  std::uint64_t special = 0; ///< FIFO, socket, device
  LeftOut& operator+=(const LeftOut& more) {
    deleted += more.deleted;
    sparse += more.sparse;
    special += more.special;
    return *this;
  }
};

/// The stats of everything that is listed and there.
struct Scan {
  std::vector<ScannedFolder> folders; ///< in the listing's order; empty ones only in their right
  std::vector<ScannedFolder> hollow;  ///< that are there, but hold nothing of what is listed
  LeftOut left_out;
};

/// Opens folders of the source (each after the one it lies in), no component by a symlink, and
/// calls `visit` with each that is there, from several threads at once; it returns how many files
/// it saw. A folder that is missing, or that something else has replaced, is given as nothing.
void visit_folders(const SourceDirs& dirs, const std::vector<std::string_view>& paths,
                   const std::function<std::size_t(std::size_t, const os::Dir*)>& visit);

/// The folder of the first file or folder at which two looks at the source differ, `.` for the
/// source itself. That entries came or went in a folder does not count: most are untracked files.
std::optional<std::string> first_difference(const Scan& first, const Scan& second);

/// Whether a file is the same in two looks: nothing of its stat differs that a change would move.
bool same_stat(const os::Stat& left, const os::Stat& right) noexcept;

/// Stats what `listing` names. Throws os::Error for what cannot be looked at.
Scan scan(const SourceDirs& dirs, const Listing& listing);

/// The same, where `known` is a scan that was made while the listing was still on its way: what it
/// has seen is not looked at again.
Scan scan(const SourceDirs& dirs, const Listing& listing, Scan known);

} // namespace snapfix::source
