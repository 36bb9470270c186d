// A file system that passes everything on to another folder and lets each metadata call wait, as a
// server at the other end of a network does.
//
//   slow_fs FOLDER MOUNTPOINT MILLISECONDS [CACHED_SECONDS]
//
// Runs in the foreground until it is unmounted, and prints what it served: one "CALL NUMBER" a
// line. Waits for one call do not hold up another. Attributes and names are cached for as long as
// is given, or for a second, the default of FUSE, much as NFS does.

#define FUSE_USE_VERSION 35
#include <array>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <fuse.h>
#include <fuse_lowlevel.h>
#include <linux/fuse.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace {

constexpr int k_threads = 96;
constexpr std::size_t k_opcodes = 64;

/// The calls that a client sends to the server and waits for.
const char* metadata_call(std::uint32_t opcode) {
  switch (opcode) {
  case FUSE_LOOKUP:
    return "LOOKUP";
  case FUSE_GETATTR:
    return "GETATTR";
  case FUSE_SETATTR:
    return "SETATTR";
  case FUSE_READLINK:
    return "READLINK";
  case FUSE_SYMLINK:
    return "SYMLINK";
  case FUSE_MKDIR:
    return "MKDIR";
  case FUSE_UNLINK:
    return "UNLINK";
  case FUSE_RMDIR:
    return "RMDIR";
  case FUSE_RENAME:
  case FUSE_RENAME2:
    return "RENAME";
  case FUSE_LINK:
    return "LINK";
  case FUSE_OPEN:
    return "OPEN";
  case FUSE_CREATE:
    return "CREATE";
  case FUSE_OPENDIR:
    return "OPENDIR";
  case FUSE_READDIR:
  case FUSE_READDIRPLUS:
    return "READDIR";
  default:
    return nullptr;
  }
}

int top = -1;
double cached_seconds = 1;
std::array<std::atomic<unsigned long>, k_opcodes> served{};

/// Below the folder; FUSE's paths begin with a slash.
const char* below(const char* path) {
  return path[1] == '\0' ? "." : path + 1;
}

int result(long done) {
  return done < 0 ? -errno : static_cast<int>(done);
}

int descriptor(const fuse_file_info* info) {
  return static_cast<int>(info->fh);
}

int get_attributes(const char* path, struct stat* out, fuse_file_info* info) {
  return info != nullptr ? result(::fstat(descriptor(info), out))
                         : result(::fstatat(top, below(path), out, AT_SYMLINK_NOFOLLOW));
}

int read_link(const char* path, char* out, std::size_t size) {
  const ssize_t length = ::readlinkat(top, below(path), out, size - 1);
  if (length < 0) {
    return -errno;
  }
  out[length] = '\0';
  return 0;
}

int read_folder(const char* path, void* buffer, fuse_fill_dir_t fill, off_t /*offset*/,
                fuse_file_info* /*info*/, fuse_readdir_flags /*flags*/) {
  DIR* stream = ::fdopendir(::openat(top, below(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (stream == nullptr) {
    return -errno;
  }
  while (const dirent* entry = ::readdir(stream)) { // NOLINT(concurrency-mt-unsafe): own stream
    struct stat stat {};
    stat.st_ino = entry->d_ino;
    stat.st_mode = static_cast<mode_t>(DTTOIF(entry->d_type));
    fill(buffer, entry->d_name, &stat, 0, fuse_fill_dir_flags{});
  }
  ::closedir(stream);
  return 0;
}

int open_file(const char* path, fuse_file_info* info) {
  const int fd = ::openat(top, below(path), (info->flags & ~O_NOFOLLOW) | O_CLOEXEC);
  info->fh = static_cast<std::uint64_t>(fd);
  return fd < 0 ? -errno : 0;
}

int create_file(const char* path, mode_t mode, fuse_file_info* info) {
  const int fd = ::openat(top, below(path), info->flags | O_CREAT | O_CLOEXEC, mode);
  info->fh = static_cast<std::uint64_t>(fd);
  return fd < 0 ? -errno : 0;
}

fuse_operations operations() {
  fuse_operations out{};
  out.init = [](fuse_conn_info* connection, fuse_config* config) -> void* {
    connection->want &= ~(FUSE_CAP_SPLICE_READ | FUSE_CAP_READDIRPLUS);
    config->use_ino = 1;
    config->entry_timeout = cached_seconds;
    config->attr_timeout = cached_seconds;
    config->hard_remove = 1;
    return nullptr;
  };
  out.getattr = get_attributes;
  out.readlink = read_link;
  out.readdir = read_folder;
  out.open = open_file;
  out.create = create_file;
  out.mkdir = [](const char* path, mode_t mode) {
    return result(::mkdirat(top, below(path), mode));
  };
  out.unlink = [](const char* path) { return result(::unlinkat(top, below(path), 0)); };
  out.rmdir = [](const char* path) { return result(::unlinkat(top, below(path), AT_REMOVEDIR)); };
  out.symlink = [](const char* target, const char* path) {
    return result(::symlinkat(target, top, below(path)));
  };
  out.rename = [](const char* from, const char* to, unsigned flags) {
    return result(::renameat2(top, below(from), top, below(to), flags));
  };
  out.link = [](const char* from, const char* to) {
    return result(::linkat(top, below(from), top, below(to), 0));
  };
  out.chmod = [](const char* path, mode_t mode, fuse_file_info*) {
    return result(::fchmodat(top, below(path), mode, 0));
  };
  out.chown = [](const char* path, uid_t user, gid_t group, fuse_file_info*) {
    return result(::fchownat(top, below(path), user, group, AT_SYMLINK_NOFOLLOW));
  };
  out.truncate = [](const char* path, off_t size, fuse_file_info* info) {
    if (info != nullptr) {
      return result(::ftruncate(descriptor(info), size));
    }
    const int fd = ::openat(top, below(path), O_WRONLY | O_CLOEXEC);
    const int done = fd < 0 ? -errno : result(::ftruncate(fd, size));
    ::close(fd);
    return done;
  };
  out.utimens = [](const char* path, const timespec times[2], fuse_file_info*) {
    return result(::utimensat(top, below(path), times, AT_SYMLINK_NOFOLLOW));
  };
  out.read = [](const char*, char* to, std::size_t size, off_t offset, fuse_file_info* info) {
    return result(::pread(descriptor(info), to, size, offset));
  };
  out.write = [](const char*, const char* from, std::size_t size, off_t offset,
                 fuse_file_info* info) {
    return result(::pwrite(descriptor(info), from, size, offset));
  };
  out.release = [](const char*, fuse_file_info* info) { return result(::close(descriptor(info))); };
  out.statfs = [](const char*, struct statvfs* out_stat) {
    return result(::fstatvfs(top, out_stat));
  };
  return out;
}

/// Answers requests until the file system is unmounted.
void serve(fuse_session* session, timespec latency) {
  ::prctl(PR_SET_TIMERSLACK, 1UL); // else each wait is 0.05 ms longer
  fuse_buf request{};
  for (;;) {
    const int size = ::fuse_session_receive_buf(session, &request);
    if (size == -EINTR) {
      continue;
    }
    if (size <= 0) {
      break;
    }
    fuse_in_header header{};
    std::memcpy(&header, request.mem, sizeof header);
    if (metadata_call(header.opcode) != nullptr) {
      served.at(header.opcode).fetch_add(1, std::memory_order_relaxed);
      ::nanosleep(&latency, nullptr);
    }
    ::fuse_session_process_buf(session, &request);
  }
  std::free(request.mem);
}

} // namespace

int main(int argc, char** argv) {
  if (argc != 4 && argc != 5) {
    std::fputs("usage: slow_fs FOLDER MOUNTPOINT MILLISECONDS [CACHED_SECONDS]\n", stderr);
    return 2;
  }
  const auto nanoseconds = static_cast<long>(std::strtod(argv[3], nullptr) * 1e6);
  const timespec latency{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  if (argc == 5) {
    cached_seconds = std::strtod(argv[4], nullptr);
  }
  ::umask(0);
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  top = ::open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (top < 0) {
    std::perror(argv[1]);
    return 1;
  }
  std::vector<char*> words{argv[0], const_cast<char*>("-odefault_permissions")};
  fuse_args args FUSE_ARGS_INIT(static_cast<int>(words.size()), words.data());
  const fuse_operations calls = operations();
  fuse* file_system = ::fuse_new(&args, &calls, sizeof calls, nullptr);
  if (file_system == nullptr || ::fuse_mount(file_system, argv[2]) != 0) {
    return 1;
  }
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < k_threads; ++i) {
      threads.emplace_back(serve, ::fuse_get_session(file_system), latency);
    }
  }
  ::fuse_unmount(file_system);
  ::fuse_destroy(file_system);
  for (std::uint32_t opcode = 0; opcode < k_opcodes; ++opcode) {
    if (served.at(opcode) > 0) {
      std::printf("%s %lu\n", metadata_call(opcode), served.at(opcode).load());
    }
  }
  return 0;
}
