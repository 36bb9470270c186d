#pragma once

#include <string>
#include <vector>

namespace snapfix::source {

/// Replaces paths under the source in texts by those in the snapshot, so that a test that names the
/// source's own files by absolute path runs its own copies.
class PathMapping {
public:
  /// `sources`: the source's absolute path, and others that mean the same folder (symlinks).
  PathMapping(std::vector<std::string> sources, std::string snapshot);

  /// A text with every path under the source mapped: those that begin the text, or stand behind
  /// one of `=:;,` a quote, a bracket or white space, or behind an option letter (-I<path>). Paths
  /// under a build tree (a folder with CMakeCache.txt) or a root stay as they are, and so does what
  /// leaves the source by `..`, and in a source that is its own build tree what the build made.
  std::string map_argument(const std::string& text) const;

  /// As map_argument for the value of NAME=value, but a path that exists in the source and not in
  /// the snapshot (a virtual environment that git ignores) stays: nobody wrote it for this test.
  std::string map_variable(const std::string& variable) const;

private:
  enum class Missing { map, keep };
  std::string map(const std::string& text, std::size_t from, Missing missing) const;
  bool is_mapped(const std::string& source, const std::string& rest, Missing missing) const;

  std::vector<std::string> m_sources; ///< longest first
  std::string m_snapshot;
};

} // namespace snapfix::source
