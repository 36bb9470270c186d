#pragma once

#include <optional>
#include <string>
#include <vector>

namespace snapfix::cli {

// Where roots lie, before one is opened.

/// The root's name where none is given: tools that walk a source pass by what begins with a dot.
inline constexpr const char* k_default_root = ".snapshots";

/// Whether a folder is a root; false where that cannot be seen.
bool is_root(const std::string& folder);

/// Whether a folder is a snapshot, by the record in its root.
bool is_snapshot(const std::string& folder);

struct Place {
  std::string root;
  std::string snapshot; ///< its path
};

/// The snapshot in which a folder lies.
std::optional<Place> snapshot_around(const std::string& folder);

/// Where `root` has today's default name: the root that stands beside it under the name that was
/// the default before, if there is one.
std::optional<std::string> former_root(const std::string& root);

/// Where no root stands: notes those of the build trees in that folder, or a folder of it.
void tell_of_roots_in_build_trees(const std::string& folder);

/// Says what it is, and how to remove it.
void tell_of_former_root(const std::optional<std::string>& former);

} // namespace snapfix::cli
