#pragma once

#include "os/dir.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/root.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::snapshot {

/// The name of an object in its bucket: 32 hex digits, NUL-terminated.
using ObjectName = std::array<char, 33>;

/// The objects of one source under a root. The objects of one of its folders lie together, in one
/// of 256 buckets, so that a snapshot of a folder links from few folders.
///
/// All objects are ours, and of the group of the store's folder: that is setgid. So neither needs
/// to be recorded.
class Store {
public:
  /// Makes the store of that source (an absolute path) where there is none. Throws os::Error, also
  /// if it is not ours.
  Store(const Root& root, const std::string& source);

  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store(); ///< takes back the mark that make_bucket() has set

  const os::Dir& dir() const noexcept { return m_dir; }

  static ObjectName name_of(const os::Hash& object) noexcept;

  /// Where the object of a file of that source folder lies, for people.
  std::string path_of(std::string_view folder_path, const os::Hash& object) const;

  /// The owner and the group of all objects, and whether what has this stat has them.
  std::uint32_t owner() const noexcept { return m_owner; }
  std::uint32_t group() const noexcept { return m_group; }
  bool is_own(const os::Stat& stat) const noexcept;

  /// To link from the objects of a source folder; nothing where there are none.
  std::optional<os::Dir> open_bucket(std::string_view folder_path) const;

  /// To put new objects of a source folder into, after clear_incoming(). Threads may call it at the
  /// same time.
  os::Dir make_bucket(std::string_view folder_path);

  /// Takes over the objects of a base from the store of another root, `other`, as hard links to
  /// them. Nothing is looked at: create() does, when it links them. Returns the indices of files
  /// whose objects could not be had, with 0 for their inodes. Throws os::Error.
  InodeChanges take_over(const os::Dir& other, const Base& base);

  /// The object of one file in one state.
  static os::Hash object_of(std::string_view folder_path, std::string_view name,
                            const os::Hash& content, std::uint32_t permissions,
                            os::Time mtime) noexcept;

  /// An empty file in a bucket, to be filled and then published. It lies beside what it becomes: a
  /// rename from one folder to another waits for all others of the file system (Linux's
  /// s_vfs_rename_mutex), and at a server maybe for those of all clients.
  class Incoming {
  public:
    /// `bucket` is that of make_bucket(). With the permissions that it will have: most often it has
    /// them from the start.
    Incoming(Store& store, const os::Dir& bucket, std::uint32_t permissions);
    Incoming(const Incoming&) = delete;
    Incoming& operator=(const Incoming&) = delete;
    ~Incoming(); ///< removes what was not published

    int fd() const noexcept { return m_fd.get(); }
    std::string path() const;

    /// Sets the record's mode and mtime, and puts into the record what the file system made of
    /// them: it may cut times, or refuse setgid.
    void seal(FileRecord& file);

    /// Puts the sealed file into its place as `object`; where a sound one stands already, that one
    /// stays. `replace` puts a new inode there in any case. Returns the inode.
    std::uint64_t publish(const os::Hash& object, const FileRecord& file, bool replace = false);

  private:
    Store& m_store;
    const os::Dir& m_bucket;
    std::string m_name;
    os::UniqueFd m_fd;
    os::Stat m_sealed;
  };

  /// Removes what writers left that were killed. Call it with the source's lock held, or the
  /// store's for oneself alone.
  void clear_incoming() const;

private:
  os::Dir m_dir;
  std::uint32_t m_owner;
  std::uint32_t m_group;
  std::mutex m_mark_mutex;
  bool m_is_marked = false;
  std::atomic<bool> m_is_unfinished{false}; ///< something stays that the next writer is to remove
};

/// An object that is known to be bad, or whose content must be taken for bad.
struct Damage {
  std::string path; ///< in the source
  os::Hash object;
  std::uint64_t seen_inode = 0; ///< the inode that was found bad
};

struct Healed {
  std::uint64_t replaced = 0; ///< made anew from the source
  std::uint64_t dropped = 0;  ///< the source has changed: frozen anew when it is next wanted
};

/// Replaces the objects by sound ones with new inodes, from the source where its content is still
/// the one, else drops them; in every base that holds them. A sound object that stands there by now
/// is taken as it is.
/// Takes the store's lock, so the caller must not hold it.
Healed heal(const Root& root, const std::string& source, const std::vector<Damage>& damages);

} // namespace snapfix::snapshot
