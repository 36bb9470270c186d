#pragma once

#include "os/dir.hpp"
#include "os/lock.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/root.hpp"
#include "snapshot/run_record.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace snapfix::snapshot {

/// How a snapshot comes to stand under its name, and what becomes of the one that stood there: the
/// new tree is made out of sight, and as long as nothing of the old one was touched that can come
/// back. The caller holds the name's lock.
class Publication {
public:
  /// Looks at what stands there. Throws os::Error.
  Publication(const Root& root, std::string folder);

  /// Whether a folder stands there; nothing may, or what somebody put in its place.
  bool has_old_tree() const noexcept { return m_old_permissions.has_value(); }

  /// The old tree, out of sight, to be worked on: from here on it is lost, unless this throws.
  os::Dir take_old_tree();

  /// An empty folder, to be filled; what else was being worked on goes.
  os::Dir make_empty_tree() const;

  /// Puts the tree, its manifest and the record of its run, if any, into their places; `touch_last`
  /// does what it may need there.
  void publish(const SnapshotManifest& manifest, const RunRecord* run,
               const std::function<void()>& touch_last);

  /// The old snapshot stands again, if it can; else nothing of either is left under the name. What
  /// fails in this is not told: it is not what the user has to mend. Whether the old one is lost.
  bool give_up() noexcept;

private:
  enum class Old { untouched, set_aside, lost };

  bool put_back() const;

  const Root& m_root;
  std::string m_folder;
  std::optional<std::uint32_t> m_old_permissions; ///< of its folder
  std::optional<std::string> m_old_in_trash;      ///< its name there
  std::optional<os::Lock> m_trash_lock;           ///< as long as it may have to come back
  Old m_old = Old::untouched;
  bool m_takes_old = false;
  bool m_is_recorded = false; ///< the new one has its manifest in place
};

} // namespace snapfix::snapshot
