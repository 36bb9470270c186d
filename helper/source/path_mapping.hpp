#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::source {

/// Replaces paths under the source in texts by those in the snapshot, so that a test that names the
/// source's own files by absolute path runs its own copies.
class PathMapping {
public:
  /// `sources`: the source's absolute path, and others that mean the same folder (symlinks).
  PathMapping(std::vector<std::string> sources, std::string snapshot);

  /// A text with every path under the source mapped. One may begin
  /// - the text, or behind one of `=:;,@!^<>|&`, a bracket, a quote or white space;
  /// - behind an option whose value follows at once: `-I<path>`, `-isystem<path>`;
  /// - behind `scheme://` of a URL, which has an empty host (or `file:` one that is `localhost`).
  /// Then the source's path must end: by a `/`, a separator or the text.
  ///
  /// These stay as they are: what lies in a build tree (a folder with CMakeCache.txt) or a root;
  /// what leaves the source by `..`; and what exists in the source and not in the snapshot (a
  /// virtual environment that git ignores), as a command could do nothing with the snapshot's.
  std::string map(std::string_view text) const;

  /// The same for the value of NAME=value.
  std::string map_variable(const std::string& variable) const;

  /// If `path` as a whole names what exists in the source and not in the snapshot: its path from
  /// the source. Nothing for build trees and roots, also not where the source is a build tree.
  std::optional<std::string> only_in_source(const std::string& path) const;

private:
  enum class Place { snapshot, elsewhere, only_in_source };
  struct Found {
    std::size_t end = 0; ///< of the path in the text
    std::string mapped;
  };

  std::optional<Found> find_at(std::string_view text, std::size_t at) const;
  std::size_t end_of_path(std::string_view text, std::size_t at, std::size_t rest_at) const;
  const std::string* source_of(std::string_view path) const;
  std::string mapped(std::string_view path, const std::string& source, std::string rest) const;
  Place place_of(const std::string& source, const std::string& rest) const;

  std::vector<std::string> m_sources; ///< longest first
  std::string m_snapshot;
};

} // namespace snapfix::source
