#pragma once

#include "os/fd.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

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
  /// Where it was found, if the path was walked: the folder (O_PATH) and the name in it.
  os::UniqueFd folder;
  std::string name;
};

enum class FollowLast { yes, no };

/// Takes on the ids that another thread acts by, on this thread alone, while this lives. Does
/// nothing where they are ours, or where we are not root.
class OtherIds {
public:
  /// `real`: the real and effective ids too, by which the kernel judges who may look into a process
  /// where root lacks CAP_SYS_PTRACE; else only those for file access.
  enum class Which { files, all };
  OtherIds(pid_t thread, Which which);
  OtherIds(const OtherIds&) = delete;
  OtherIds& operator=(const OtherIds&) = delete;
  ~OtherIds();

  bool are_others() const noexcept { return m_are_others; }

private:
  Which m_which;
  bool m_are_others = false;
  std::vector<gid_t> m_groups; ///< ours
};

/// The thread that made a reported call, as it stands stopped in it: its memory, its descriptors,
/// and what a path means to it.
class Caller {
public:
  explicit Caller(pid_t thread) : m_thread(thread) {}

  pid_t thread() const noexcept { return m_thread; }
  /// Whether it may do to files what we may: the same ids and capabilities.
  bool has_our_rights() const;

  /// The name of its program.
  std::string program() const;

  /// The string at that address of its memory, up to PATH_MAX bytes. Nothing if it cannot be read;
  /// then error() is EFAULT if there is no such memory, else we may not look (EPERM, ESRCH).
  std::optional<std::string> read_string(std::uint64_t address);
  /// Copies memory; false as above.
  bool read_memory(std::uint64_t address, void* to, std::size_t size);
  int error() const noexcept { return m_error; }
  void set_error(int error_number) noexcept { m_error = error_number; }

  /// The file of its descriptor `number` (AT_FDCWD: its folder). Nothing if there is none; see
  /// error().
  std::optional<NamedFile> open_descriptor(int number);

  /// The file that a path of its names, relative to its descriptor `directory`, with the RESOLVE_*
  /// flags of openat2(2): in its own root and mount namespace, `/proc/self` being itself. Nothing
  /// if there is none; see error().
  std::optional<NamedFile> resolve(int directory, const std::string& path, FollowLast last,
                                   std::uint64_t how);

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
  os::UniqueFd open_proc(const std::string& path) const;
  std::string proc_path(const char* entry) const;
  std::string descriptor_path(int number) const;
  os::UniqueFd open_base(int directory) const;
  bool shares_our_root() const;
  std::optional<NamedFile> resolve_in_our_root(int directory, const std::string& path,
                                               FollowLast last, std::uint64_t how);
  bool is_plainly_absent(int base, const std::string& path) const;

  pid_t m_thread;
  int m_error = 0;
  bool m_walks_always = false;
};

} // namespace snapfix::guard
