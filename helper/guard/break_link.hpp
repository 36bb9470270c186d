#pragma once

#include "guard/caller.hpp"
#include "guard/folder_watcher.hpp"
#include "os/fd.hpp"

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>

namespace snapfix::guard {

/// The path of an open file, as its own mount namespace has it; empty if there is none that fits.
std::string path_of(const os::UniqueFd& file);

/// Where an open file lies; nothing if it has no name that we can reach any more.
std::optional<Place> find_place(const NamedFile& file);

/// Replaces shared files by private copies of themselves: content, length, holes, owner, mode, ACLs
/// and other xattrs, atime, mtime. Several threads may break different files.
class LinkBreaker {
public:
  /// Copies are made in the folder `staging`, which is made where it is missing and should lie on
  /// the file system of the snapshot. Where a rename from there is refused, they are made beside
  /// the file.
  explicit LinkBreaker(std::string staging) : m_staging(std::move(staging)) {}

  /// Puts a private copy in the place of the shared file, and gives it (O_PATH, in the same mount).
  /// Returns 0; ESTALE if another file is there by now; else the errno, and everything is as it
  /// was. `meeting`: of the guards of the snapshot, in the turn at the file.
  int break_link(const NamedFile& shared, const Place& place, const std::string& meeting,
                 os::UniqueFd& copy);

  /// A private copy without a name (O_PATH). Nothing if it cannot be made; the errno is in
  /// `failed`.
  os::UniqueFd copy_without_name(const NamedFile& shared, int& failed);

  /// Removes what the process `breaker` left in the staging folder, and that if it is empty then.
  void clear(pid_t breaker) const;

private:
  struct Break {
    const NamedFile& shared;
    const Place& place;
    const std::string& meeting;
  };

  int open_staging(os::UniqueFd& out) const;
  os::UniqueFd new_file(int folder, mode_t mode, std::string& name, int& failed);
  int replace_from(const Break& task, int staging, os::UniqueFd& copy);
  int put_in_place(const Break& task, int staging, const std::string& name, os::UniqueFd& copy);

  std::string m_staging;
  FolderWatcher m_watcher;
  std::atomic<std::uint64_t> m_count{0};
};

} // namespace snapfix::guard
