#pragma once

#include "guard/result.hpp"
#include "os/fd.hpp"

#include <cstdint>
#include <optional>
#include <string>

#include <sys/stat.h>
#include <sys/types.h>

namespace snapfix::guard {

/// A file that a call names.
struct NamedFile {
  os::UniqueFd file; ///< O_PATH
  struct stat stat {};
  /// The call names an open file, not a place in a folder (a descriptor, /proc/self/fd/3): whatever
  /// we put in the place of the file's name, the call reaches the old file.
  bool is_descriptor = false;
  /// ... and that is the caller's own one of this number.
  std::optional<int> number;
  /// Where it was found, if the path was walked: the folder (O_PATH) and the name in it.
  os::UniqueFd folder;
  std::string name;
};

inline bool is_same_file(const struct stat& left, const struct stat& right) noexcept {
  return left.st_ino == right.st_ino && left.st_dev == right.st_dev;
}

enum class FollowLast { yes, no };

/// Where an absolute path begins, and what `..` does not leave (openat2(2), RESOLVE_IN_ROOT).
enum class TopFolder { root, directory };

/// The thread that made a reported call, as it stands stopped in it: its memory, its descriptors,
/// and what a path means to it.
class Caller {
public:
  explicit Caller(pid_t thread) : m_thread(thread) {}

  pid_t thread() const noexcept { return m_thread; }

  /// The name of its program.
  std::string program() const;

  /// The string at that address of its memory, of less than PATH_MAX bytes.
  Result<std::string> read_string(std::uint64_t address) const;
  /// Copies memory; tells the failure, if any.
  [[nodiscard]] std::optional<Failure> read_memory(std::uint64_t address, void* to,
                                                   std::size_t size) const;

  /// The file of its descriptor `number` (AT_FDCWD: its folder).
  Result<NamedFile> open_descriptor(int number) const;

  /// The file that a path of its names, relative to its descriptor `directory`: in its own root
  /// and mount namespace, `/proc/self` being itself.
  Result<NamedFile> resolve(int directory, const std::string& path, FollowLast last,
                            TopFolder top = TopFolder::root) const;

  /// What the kernel finds by that path with those RESOLVE_* flags, beside what resolve() found.
  enum class Match {
    same,
    other,  ///< another file has got the name since
    unknown ///< it cannot be asked: the caller has another root than we
  };
  Result<Match> match(const NamedFile& file, int directory, const std::string& path,
                      FollowLast last, std::uint64_t resolve) const;

  /// Whether paths mean the same to it as to us: the same root, in the same mounts.
  bool shares_our_root() const;

  /// A path as we read it of a file in its mount namespace, as it would write it: below its root.
  std::string path_below_root(const std::string& path) const;

  /// From here on resolve() walks by itself, and so tells the folder of what it finds.
  void walk_always(bool always) noexcept { m_walks_always = always; }

  /// What /proc/PID/fdinfo tells of a descriptor: the flags it was opened with, and where it
  /// stands.
  struct DescriptorState {
    int flags = 0;
    off_t offset = 0;
  };
  std::optional<DescriptorState> descriptor_state(int number) const;

private:
  Result<os::UniqueFd> open_proc(const std::string& path) const;
  std::string proc_path(const char* entry) const;
  std::string descriptor_path(int number) const;
  Result<os::UniqueFd> open_base(int directory) const;

  pid_t m_thread;
  bool m_walks_always = false;
};

} // namespace snapfix::guard
