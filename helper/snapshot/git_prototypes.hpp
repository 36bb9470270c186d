#pragma once

#include "os/dir.hpp"
#include "os/file.hpp"
#include "snapshot/root.hpp"
#include "snapshot/source_clock.hpp"
#include "source/git_folder.hpp"
#include "source/list.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// What a prototype was made of.
struct GitPrototypeRecord {
  os::Hash look;
  bool is_settled = false; ///< a later change must show in the look
  os::Hash index;          ///< its content in the repository
  os::Hash entries;
  std::vector<std::string> included;
};

/// The `.git` folders that snapshots of a source get, one for each of its work trees. They are kept
/// in the root and made anew where the repository has changed; what stays the same in them keeps
/// its inode, so that a freeze can take their files like those of the source.
class GitPrototypes {
public:
  /// Of the selection's source, whose lock the caller holds; nothing where its snapshots have no
  /// `.git`. Throws os::Error.
  GitPrototypes(const Root& root, const source::Selection& selection);

  /// The folder in which they lie by their paths in the source.
  std::optional<os::Dir> open() const;

  /// Brings those of the listing's work trees up to date, and adds them to it. Before git is asked
  /// it waits until the clock's tick is over; without a clock git is asked again the next time.
  /// Nothing is asked where nothing has changed. Throws os::Error.
  void add_to(source::ListingBuilder& listing, const SourceClock* clock);

  /// Whether the repositories are as add_to() saw them, and were so when the clock was read, for
  /// certain. `unchanged`: they are also known to have been so for long.
  bool stood_at(const SourceClock& clock, bool unchanged) const;

private:
  struct Seen {
    source::GitFolder git;
    source::GitLook look;
    std::vector<std::string> included;
  };
  void refresh(const std::string& work_tree, const SourceClock* clock);
  std::optional<source::GitFolder> find(const std::string& work_tree) const;
  void make(const std::string& work_tree, const source::GitFolder& git,
            const source::GitState& state, bool stands, GitPrototypeRecord& record);
  void add_folder(const os::Dir& dir, const std::string& path, source::ListingBuilder& listing);

  const source::Selection& m_selection;
  std::optional<os::Dir> m_dir; ///< nothing: there are none
  std::map<std::string, Seen> m_seen;
};

/// Opens a source as its base was frozen, for what a snapshot's `.git` holds as well. Throws
/// os::Error.
source::SourceDirs open_source(const Root& root, const std::string& source);

} // namespace snapfix::snapshot
