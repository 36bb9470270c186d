#pragma once

#include "os/fd.hpp"

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/stat.h>

namespace snapfix::os {

/// Of a mode: all that chmod(2) sets, and what a folder's owner needs to change what it holds.
constexpr std::uint32_t k_permissions = 07777;
constexpr std::uint32_t k_owner_all = 0700;

/// A point in time as file systems keep it: seconds and nanoseconds since 1970, UTC.
struct Time {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  auto operator<=>(const Time&) const = default; // NOLINT(modernize-use-nullptr): clang-tidy 14
};

/// What stat tells of a file; `mode` holds type and permission bits.
struct Stat {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  Time mtime;
  Time ctime;
  std::uint32_t mode = 0;
  std::uint32_t links = 0;
  std::uint32_t owner = 0;
  std::uint32_t group = 0;

  bool is_file() const noexcept { return S_ISREG(mode); }
  bool is_folder() const noexcept { return S_ISDIR(mode); }
  bool is_symlink() const noexcept { return S_ISLNK(mode); }
  std::uint32_t permissions() const noexcept { return mode & k_permissions; }
};

/// How fresh attributes must be. `server` asks a network file system's server in place of its
/// attribute cache; on local ones it costs nothing.
enum class Freshness { cached, server };

/// What a folder says of an entry without a stat; some file systems do not say.
enum class EntryType { unknown, folder, other };

/// An entry as its folder lists it.
struct DirEntry {
  std::string name;
  EntryType type = EntryType::unknown;
  std::uint64_t inode = 0; ///< a file system of several layers may tell another one than stat
};

/// What `chattr` sets of a folder: its flags (FS_*_FL of linux/fs.h) and its project's id. Zeros
/// where the file system has none.
struct FolderFlags {
  std::uint32_t flags = 0;
  std::uint32_t project = 0;

  /// Those that a folder has that is made in one with these.
  FolderFlags inherited() const noexcept;
  bool operator==(const FolderFlags&) const = default;
};

/// An open folder: all tree work goes by descriptor and name, never by long paths. The path is
/// kept for messages alone.
class Dir {
public:
  Dir() = default;

  /// Opens a folder that the user or the program named; follows symlinks. Throws Error.
  static Dir open(const std::string& path);

  /// Takes over an open folder.
  static Dir adopt(UniqueFd fd, std::string path) { return {std::move(fd), std::move(path)}; }

  /// Opens a folder in this one; never follows a symlink. Throws Error.
  Dir open_child(const char* name) const;

  /// As open_child, or nothing if there is no folder of that name (absent, a file, a symlink).
  std::optional<Dir> try_open_child(const char* name) const;

  /// As try_open_child, only to begin paths with: no server is asked to open it.
  std::optional<Dir> try_begin_at(const char* name) const;

  /// Opens a folder in this one, or what a symlink of that name leads to. Throws Error.
  Dir follow_child(const char* name) const;

  /// Makes a folder. Throws Error, also if it exists.
  void make_folder(const char* name, std::uint32_t permissions) const;

  /// Makes the folder unless it exists, then opens it.
  Dir ensure_child(const char* name, std::uint32_t permissions = 0777) const;

  int fd() const noexcept { return m_fd.get(); }
  const std::string& path() const noexcept { return m_path; }
  std::string path_of(const char* name) const;

  /// The entries without `.` and `..`, in no order; not from two threads at once. Throws Error.
  std::vector<DirEntry> entries() const;

  /// The stat of this folder. Throws Error.
  Stat stat() const;

  /// The stat of an entry, symlinks not followed; nothing if there is none. Throws Error.
  std::optional<Stat> try_stat(const char* name, Freshness freshness = Freshness::cached) const;

  /// As try_stat, but an entry that is missing is an Error.
  Stat stat_of(const char* name, Freshness freshness = Freshness::cached) const;

  /// Opens a file of this folder with the flags of open(2), never following a symlink; a FIFO does
  /// not hang. Throws Error.
  UniqueFd open_file(const char* name, int flags, std::uint32_t permissions = 0) const;

  /// Opens a file for reading. Throws Error.
  UniqueFd open_to_read(const char* name) const;

  /// Makes a file, open for reading and writing whatever its permissions, of which the umask takes
  /// some away. Throws Error, also if it exists.
  UniqueFd create_file(const char* name, std::uint32_t permissions = 0600) const;

  /// The text of a symlink. Throws Error.
  std::string read_symlink(const char* name) const;

  void make_symlink(const char* name, const char* target) const;
  /// Removes a file if it is there.
  void unlink_if_present(const char* name) const;
  void rename(const char* name, const Dir& target, const char* target_name) const;
  void set_times(const char* name, Time mtime) const;
  void set_permissions(const char* name, std::uint32_t permissions) const; ///< of no symlink
  /// Sets the folder's own mtime (and atime) or permission bits.
  void set_times(Time mtime) const;
  void set_permissions(std::uint32_t permissions) const;

  /// The names of the extended attributes, ACLs among them, of the folder or of a symlink in it.
  /// Throws Error.
  std::vector<std::string> xattrs() const;
  std::vector<std::string> xattrs_of_symlink(const char* name) const;
  void remove_xattr(const char* name) const;

  /// Throws Error.
  FolderFlags flags() const;

private:
  Dir(UniqueFd fd, std::string path) : m_fd(std::move(fd)), m_path(std::move(path)) {}
  std::optional<Dir> try_open(const char* name, int flags) const;

  UniqueFd m_fd;
  std::string m_path;
};

/// The stat of an open file. Throws Error naming `path`.
Stat stat_of(int fd, const std::string& path, Freshness freshness = Freshness::server);

/// Sets the permission bits, or the mtime and atime, of an open file. Throws Error naming `path`.
void set_permissions(int fd, std::uint32_t permissions, const std::string& path);
void set_times(int fd, Time mtime, const std::string& path);

/// The time by the clock that stamps the files of that folder's file system, which may be a
/// server's. Makes and removes a file there. Throws Error.
Time clock_of(const Dir& dir);

/// Whether it lies on a local file system of a known kind: one clock, this kernel's, stamps all
/// files there, and no question goes to a server.
bool is_local(const Dir& dir) noexcept;

/// linkat(2) without following symlinks: 0, or the errno. A name that exists already with the
/// wanted inode counts as done: a network file system may lose the reply of a link it made.
int link_file(const Dir& from, const char* from_name, const Dir& to, const char* to_name,
              std::uint64_t inode) noexcept;

} // namespace snapfix::os
