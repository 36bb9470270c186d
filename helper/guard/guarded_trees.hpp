#pragma once

#include "guard/break_link.hpp"
#include "guard/caller.hpp"
#include "guard/filter.hpp"
#include "guard/meeting.hpp"
#include "guard/protected_files.hpp"
#include "guard/protection.hpp"
#include "guard/report.hpp"
#include "os/dir.hpp"

#include <chrono>
#include <cstdint>
#include <ctime>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

namespace snapfix::guard {

/// The snapshots that a guard protects, and the record of what it did. Several threads may use it.
class GuardedTrees {
public:
  using Duration = std::chrono::steady_clock::duration;

  /// A snapshot; a handle for report().
  struct Tree;

  GuardedTrees();
  GuardedTrees(const GuardedTrees&) = delete;
  GuardedTrees& operator=(const GuardedTrees&) = delete;
  ~GuardedTrees();

  const Tree& add(const Protection& protection);

  /// Whether others share the file.
  bool contain(const NamedFile& file) const;
  /// Whether it is a regular file on the file system of a snapshot.
  bool lie_beside(const NamedFile& file) const;
  bool is_in_store(const Place& place) const;
  /// Whether it lies in a root, but in none of the trees: in another snapshot, or in the store.
  bool is_others(const Place& place) const;

  /// Where the guards of the tree meet in which the place lies; empty if this one is alone.
  std::string meeting_of(const Place& place) const;

  /// The copy that was made of the shared file with that inode last, as a place (O_PATH), also
  /// where it was renamed within its tree since; empty where it is not found.
  os::UniqueFd open_copy_of(std::uint64_t inode);

  /// Tells the other guards of the tree, in the turn at the file.
  void tell_others(const NamedFile& file, const Place& place, int copy) const;

  void remember(const NamedFile& file, const Place& place, int copy, const Caller& caller,
                const Call& call);
  void count_call(const Call& call, Duration took);
  /// A call that could not be judged, or whose file could not be made private.
  void count_unjudged(const Caller& caller, const Call& call, int error_number);
  void count_failure(const Caller& caller, const Call& call, int error_number);

  /// What was made private in a snapshot, by which program and call first; what the calls of all
  /// cost; what could not be judged or copied.
  void add_to(Report& report, const Tree& tree) const;

private:
  struct Made {
    Copy copy;
    std::optional<os::Time> born; ///< what tells it from a later file of that inode
  };
  struct Cost {
    std::uint64_t count = 0;
    Duration time{};
  };

  mutable std::mutex m_mutex;
  std::list<Tree> m_trees; ///< the first is the command's own, others came through the door
  std::unordered_map<std::uint64_t, Made> m_copies; ///< by the inode that it was made of
  std::map<const Call*, Cost> m_costs;
  Report::Counts m_unjudged;
  Report::Counts m_failed;
};

} // namespace snapfix::guard
