#pragma once

#include <string>
#include <vector>

namespace snapfix::os {

/// One thing that was tried.
struct Probe {
  std::string name;
  bool works = false;
  std::string detail; ///< what was found, or why not
};

/// Tries in a temporary folder below `folder` what snapshots need of a file system, and what makes
/// them cheaper. Throws Error if nothing can be written there.
std::vector<Probe> probe_file_system(const std::string& folder);

/// Tries whether files of one folder can be hard-linked, or else reflinked, into another one, in
/// temporary folders below both. Throws Error if nothing can be written there.
Probe probe_links(const std::string& from, const std::string& to);

} // namespace snapfix::os
