#pragma once

#include "os/dir.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/store.hpp"
#include "snapshot/tree.hpp"

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// Puts single files of a base into a tree: as links, reflinks, copies or symlinks. Several threads
/// may place different files.
class Placer {
public:
  Placer(const Root& root, const Base& base, const TreeOptions& options);

  /// Where the files of one folder come from: a folder of the store, opened for the first of them,
  /// or the source's own.
  struct Origin {
    std::optional<os::Dir> dir; ///< nothing if it is gone
    bool is_open = false;
  };
  /// `above`: that of the folder which this one lies in; nothing for the top.
  Origin origin_of(const FolderRecord& folder, const Origin* above) const;

  /// How a file of that folder should be made.
  Made wanted_for(const std::string& folder_path, const FileRecord& file) const;

  struct Placed {
    Made made = Made::excluded;
    std::uint64_t inode = 0;
  };

  /// Makes the file in `dir`, where nothing has its name. A file whose object is damaged is not
  /// made but remembered. Throws os::Error.
  Placed place(const os::Dir& dir, Origin& origin, std::size_t index,
               const std::string& folder_path);

  /// Whether that is the stat of what the record says: the object itself, and unchanged.
  bool is_sound(const FileRecord& file, const os::Stat& stat) const noexcept;

  /// The file is there, and is the object itself, but not as the base says: the object is damaged
  /// (link-from source: throws os::Error, the source has changed).
  void remember_damage(std::size_t index);

  /// The files that were not made.
  std::vector<std::size_t> take_damaged();

private:
  /// A file, where it comes from and where it goes.
  struct Placing {
    const FileRecord& file;
    const os::Dir& from;
    const char* from_name;
    const os::Dir& to;
    const char* to_name;
  };
  Placed link_or_copy(const Placing& placing);
  Placed copy(const Placing& placing, Made reason);
  Made try_reflink(int from, int to, Made reason, const std::string& from_path,
                   const std::string& to_path);

  const Base& m_base;
  const TreeOptions& m_options;
  std::string m_source_path;
  Store m_store;
  std::atomic<Made> m_no_links{Made::linked}; ///< the reason, once links are known to be refused
  std::atomic<bool> m_can_reflink{true};
  std::mutex m_mutex;
  std::vector<std::size_t> m_damaged;
};

} // namespace snapfix::snapshot
