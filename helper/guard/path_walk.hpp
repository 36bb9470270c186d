#pragma once

#include "guard/caller.hpp"

#include <optional>
#include <string>
#include <vector>

namespace snapfix::guard {

/// Follows a path component by component as another thread would: from its root, `/proc/self` being
/// that thread's process. For the paths that the kernel cannot follow for us, because they lead
/// through /proc/self/fd and the like, and for threads with another root or mount namespace.
class PathWalk {
public:
  PathWalk(pid_t thread, int root, int base) : m_thread(thread), m_root(root), m_base(base) {}

  /// May be called once.
  Result<NamedFile> resolve(const std::string& path, FollowLast last);

private:
  /// Whether a folder is what /proc tells of the caller, or there of its descriptors.
  enum class Own { no, process, descriptors };
  /// How far the walk has come.
  struct Here {
    os::UniqueFd at;
    os::UniqueFd folder{}; ///< that `at` lies in
    std::string name{};    ///< and its name there; empty if it was not reached by a name
    bool is_magic = false; ///< it was reached by a link of /proc to what a process has open
    Own own = Own::no;
    std::optional<int> number{}; ///< of the caller's descriptor that it is
  };

  bool start(const std::string& path);
  bool step(const std::string& component, FollowLast last);
  bool step_as_caller(const std::string& component, FollowLast last);
  bool is_folder();
  bool go_up();
  bool failed();
  std::string own_name(const std::string& component) const;

  pid_t m_thread;
  int m_root;
  int m_base;
  Here m_here;
  std::vector<std::string> m_left; ///< components to go, the next one last
  int m_links = 0;
  int m_error = 0;
};

} // namespace snapfix::guard
