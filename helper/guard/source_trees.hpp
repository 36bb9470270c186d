#pragma once

#include "guard/protection.hpp"
#include "guard/report.hpp"

#include <list>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include <sys/types.h>

namespace snapfix::guard {

/// The sources that runs may read, and the record of what would have changed them. Several threads
/// may use it.
class SourceTrees {
public:
  /// A source as one run has it.
  struct Tree {
    ProtectedSource source;
    pid_t run = 0; ///< it binds this process and all that comes from it; 0: everybody
    bool is_over = false;
    std::vector<std::string> exempt; ///< build trees and roots that were found in it
    std::set<std::tuple<std::string, std::string, std::string>> writes; ///< path, program, call
    std::uint64_t more = 0; ///< that found no room there
  };

  Tree& add(const ProtectedSource& source, pid_t run);
  /// The run is over: what it left behind may do as it likes.
  void end(Tree& tree);

  /// The sources that hold what lies, or would lie, at that real path, and bind that thread. Not
  /// theirs is what lies in a root or in a build tree, a folder with a CMakeCache.txt.
  std::vector<Tree*> that_hold(const std::string& path, pid_t thread);

  /// Whether one of them does not let its files be changed.
  static bool deny(const std::vector<Tree*>& trees);
  void remember(const std::vector<Tree*>& trees, const std::string& path,
                const std::string& program, const char* call);

  /// What would have changed the source.
  void add_to(Report& report, const Tree& tree) const;

private:
  std::vector<Tree*> candidates(const std::string& path);

  mutable std::mutex m_mutex;
  std::list<Tree> m_trees;
};

} // namespace snapfix::guard
