#include "os/probe.hpp"

#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/lock.hpp"
#include "os/remove_tree.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

namespace snapfix::os {
namespace {

/// A folder that is gone with this object.
class ScratchFolder {
public:
  explicit ScratchFolder(const std::string& above) : m_above(Dir::open(above)) {
    std::string path = above + "/.snapfix-doctor-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) {
      throw Error("make a folder in", {above}, errno);
    }
    m_name = path.substr(above.size() + 1);
    try {
      m_dir = m_above.open_child(m_name.c_str());
    } catch (const Error&) {
      ::unlinkat(m_above.fd(), m_name.c_str(), AT_REMOVEDIR);
      throw;
    }
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    try {
      remove_tree(m_above, m_name.c_str());
    } catch (const std::exception&) { // no memory; its name says whose it is
    }
  }

  const Dir& dir() const { return m_dir; }

private:
  Dir m_above;
  std::string m_name;
  Dir m_dir;
};

Probe from_errno(const char* name, int error_number, const std::string& good) {
  return {name, error_number == 0,
          error_number == 0 ? good : std::strerror(error_number)}; // NOLINT(concurrency-mt-unsafe)
}

Probe probe_hard_links(const Dir& dir) {
  const auto inode = dir.stat_of("file").inode;
  dir.make_folder("folder", 0700);
  const int failed = link_file(dir, "file", dir.open_child("folder"), "link", inode);
  return from_errno("hard links", failed, "snapshots share the data of files");
}

Probe probe_reflinks(const Dir& dir) {
  const auto from = dir.open_file("file", O_RDONLY);
  const auto to = dir.open_file("clone", O_WRONLY | O_CREAT, 0600);
  return from_errno("reflinks", try_reflink(from.get(), to.get()),
                    "private copies share the data until they are written to");
}

Probe probe_locks(const Dir& dir) {
  try {
    const auto held = Lock::try_acquire(dir, "lock", "doctor");
    const bool excludes = held && !Lock::try_acquire(dir, "lock", "doctor");
    return {"locks", excludes, excludes ? "processes wait for each other" : "they do not exclude"};
  } catch (const Error& error) {
    return {"locks", false, error.what()};
  }
}

Probe probe_timestamps(const Dir& dir) {
  const Time wanted{1'000'000'001, 123'456'789};
  dir.set_times("file", wanted);
  const Time got = dir.stat_of("file").mtime;
  return {"timestamps", got.seconds == wanted.seconds,
          got == wanted ? "nanoseconds"
                        : os::format("coarse: 0.123456789 s became 0.{:09} s; a freeze right after "
                                     "a change waits up to 2 s",
                                     got.nanoseconds)};
}

Probe probe_modes(const Dir& dir) {
  dir.set_permissions("file", 0640);
  const bool kept = dir.stat_of("file").permissions() == 0640;
  return {"modes", kept, kept ? "permission bits are kept" : "permission bits are not kept"};
}

Probe probe_names(const Dir& dir) {
  try {
    dir.open_file("line\nbreak \xff", O_WRONLY | O_CREAT, 0600);
    return {"names", true, "any bytes"};
  } catch (const Error& error) {
    return {"names", false, "not every byte: " + std::string(error.what())};
  }
}

Probe probe_openat2(const Dir& dir) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_XDEV;
  const UniqueFd fd(static_cast<int>(::syscall(SYS_openat2, dir.fd(), ".", &how, sizeof how)));
  return from_errno("openat2", fd ? 0 : errno, "removal sees bind mounts");
}

Probe probe_protected_links() {
  std::ifstream setting("/proc/sys/fs/protected_hardlinks");
  int value = 0;
  setting >> value;
  return {"fs.protected_hardlinks", true,
          value == 0 ? "off"
                     : "on: files of other users are copied with --link-from source; the store's "
                       "are yours"};
}

} // namespace

Probe probe_links(const std::string& from, const std::string& to) {
  const ScratchFolder source(from);
  const ScratchFolder target(to);
  const auto original = source.dir().open_file("file", O_RDWR | O_CREAT, 0600);
  const int no_link =
      link_file(source.dir(), "file", target.dir(), "link", source.dir().stat_of("file").inode);
  const auto clone = target.dir().open_file("clone", O_WRONLY | O_CREAT, 0600);
  const int no_clone = try_reflink(original.get(), clone.get());
  return from_errno("links", no_link == 0 ? 0 : no_clone, no_link == 0 ? "hard links" : "reflinks");
}

std::vector<Probe> probe_file_system(const std::string& folder) {
  const ScratchFolder scratch(folder);
  const Dir& dir = scratch.dir();
  {
    const auto fd = dir.open_file("file", O_WRONLY | O_CREAT, 0600);
    write_all(fd.get(), std::as_bytes(std::span("content", 7)), "file");
  }
  return {probe_hard_links(dir), probe_reflinks(dir), probe_locks(dir),   probe_timestamps(dir),
          probe_modes(dir),      probe_names(dir),    probe_openat2(dir), probe_protected_links()};
}

} // namespace snapfix::os
