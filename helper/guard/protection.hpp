#pragma once

#include "os/words.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace snapfix::guard {

/// What becomes of a change of the source.
enum class SourceWrites {
  deny,   ///< it fails, as on a mount that may only be read
  report, ///< it is let through, and told
  allow
};

/// The source of a run, which that may read.
struct ProtectedSource {
  std::string path; ///< absolute, without symlinks
  SourceWrites writes = SourceWrites::allow;
  std::string root; ///< of the snapshot: it may lie in the source, and is no part of it
  /// The source is its own build tree: what else lies there was made by the build, and only these
  /// files, relative to it and in byte order, are kept.
  bool is_build_tree = false;
  std::vector<std::string> files;
  /// Where git keeps what belongs to it, and that is elsewhere (a linked work tree, a submodule).
  std::vector<std::string> git_folders;
};

/// What is to be protected in one run.
struct Protection {
  std::uint64_t device = 0; ///< of the file system that holds the inodes
  std::vector<std::uint64_t> inodes;
  /// Seconds and nanoseconds of that file system's clock when the inodes were listed: a file that
  /// is younger has got a number that was free again.
  std::int64_t listed_seconds = 0;
  std::uint32_t listed_nanoseconds = 0;
  std::string tree;    ///< the snapshot's folder
  std::string staging; ///< a folder for copies being made
  std::string meeting; ///< where the guards of a group meet; empty: there is this one alone
  std::string store;   ///< whoever links from below it makes snapshots: that breaks nothing
  ProtectedSource source;
};

/// An openat2(2) of this path, which nobody has, gives a guarded process a Channel to its guard.
constexpr const char* k_door = "/dev/null/snapfix-guard";

} // namespace snapfix::guard

template<>
inline constexpr std::array snapfix::os::k_words<snapfix::guard::SourceWrites>{"deny", "report",
                                                                               "allow"};
