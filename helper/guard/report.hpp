#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace snapfix::guard {

/// What a guard did for one run.
struct Report {
  /// A shared file that was made private, and who changed it first.
  struct Break {
    std::uint64_t inode = 0;
    std::string program;
    std::string call;
  };
  struct Cost {
    std::uint64_t count = 0;
    double seconds = 0;
  };
  /// A call that would have changed the source, or did.
  struct SourceWrite {
    std::string path;
    std::string program;
    std::string call;
  };
  using Counts = std::map<std::string, std::uint64_t>; ///< by "program: call: reason"

  std::vector<Break> broken;
  std::map<std::string, Cost> calls; ///< of all runs, by name
  Counts unjudged;                   ///< calls that could not be judged
  Counts failed;                     ///< calls whose file could not be made private
  std::vector<SourceWrite> source_writes;
  std::uint64_t more_source_writes = 0; ///< that are not listed
  std::string kernel;                   ///< what it makes quick or slow; empty in a guarded command
};

} // namespace snapfix::guard
