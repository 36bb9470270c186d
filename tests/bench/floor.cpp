// The floor: what a task costs when nothing but its system calls is done, in one thread, by folder
// descriptors and names. The bench holds snapfix against it.
//
//   floor link LIST SOURCE TARGET   makes TARGET's folders, links the files, sets the modes and
//                                   times of the folders as SOURCE has them
//   floor lstat LIST SOURCE         asks for the status of every file and folder
//   floor unlink TREE               removes TREE
//   floor peak COMMAND...           runs it, its output dropped; on stderr the most bytes of memory
//                                   that it had at once
//
// LIST holds relative paths of files, each ended by a NUL.
// Exits with 1 and a message at the first call that fails.

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

struct Folder {
  std::string path; // relative; the top's is "."
  std::vector<std::string> names;
};

[[noreturn]] void fail(const char* what, const std::string& path) {
  std::fprintf(stderr, "floor: %s %s: %s\n", what, path.c_str(), std::strerror(errno));
  std::exit(1);
}

int check(int result, const char* what, const std::string& path) {
  if (result < 0) {
    fail(what, path);
  }
  return result;
}

/// Every folder on the way to a file, parents first.
std::vector<Folder> read_list(const char* file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    fail("cannot read", file);
  }
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  std::vector<Folder> out{{".", {}}};
  std::unordered_map<std::string, std::size_t> known{{".", 0}};
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\0', begin);
    const std::string path = text.substr(begin, end - begin);
    begin = end + 1;
    for (std::size_t at = path.find('/'); at != std::string::npos; at = path.find('/', at + 1)) {
      if (known.emplace(path.substr(0, at), out.size()).second) {
        out.push_back({path.substr(0, at), {}});
      }
    }
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash);
    out[known.at(folder)].names.push_back(slash == std::string::npos ? path
                                                                     : path.substr(slash + 1));
  }
  return out;
}

int open_folder(int top, const std::string& path) {
  return check(::openat(top, path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC), "open", path);
}

void link_all(const std::vector<Folder>& folders, const char* source, const char* target) {
  const int from = open_folder(AT_FDCWD, source);
  check(::mkdir(target, 0700), "mkdir", target);
  const int to = open_folder(AT_FDCWD, target);
  for (std::size_t i = 1; i < folders.size(); ++i) {
    check(::mkdirat(to, folders[i].path.c_str(), 0700), "mkdir", folders[i].path);
  }
  for (const auto& folder : folders) {
    const int here = open_folder(from, folder.path);
    const int there = open_folder(to, folder.path);
    for (const auto& name : folder.names) {
      check(::linkat(here, name.c_str(), there, name.c_str(), 0), "link", name);
    }
    struct stat stat {};
    check(::fstat(here, &stat), "stat", folder.path);
    const timespec times[2] = {stat.st_mtim, stat.st_mtim};
    check(::fchmod(there, stat.st_mode & 07777), "chmod", folder.path);
    check(::futimens(there, times), "set the times of", folder.path);
    ::close(here);
    ::close(there);
  }
}

void lstat_all(const std::vector<Folder>& folders, const char* source) {
  const int from = open_folder(AT_FDCWD, source);
  struct stat stat {};
  for (const auto& folder : folders) {
    const int here = open_folder(from, folder.path);
    check(::fstat(here, &stat), "stat", folder.path);
    for (const auto& name : folder.names) {
      check(::fstatat(here, name.c_str(), &stat, AT_SYMLINK_NOFOLLOW), "stat", name);
    }
    ::close(here);
  }
}

void unlink_all(int parent, const char* name) {
  DIR* stream = ::fdopendir(open_folder(parent, name));
  if (stream == nullptr) {
    fail("read", name);
  }
  while (const dirent* entry = ::readdir(stream)) {
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) {
      continue;
    }
    if (entry->d_type == DT_DIR) {
      unlink_all(::dirfd(stream), entry->d_name);
    } else {
      check(::unlinkat(::dirfd(stream), entry->d_name, 0), "unlink", entry->d_name);
    }
  }
  ::closedir(stream);
  check(::unlinkat(parent, name, AT_REMOVEDIR), "rmdir", name);
}

/// Small as this program is, what its child has before the exec does not count.
int print_peak(char** command) {
  const pid_t child = check(::fork(), "start", command[0]);
  if (child == 0) {
    ::dup2(check(::open("/dev/null", O_WRONLY), "open", "/dev/null"), STDOUT_FILENO);
    ::execvp(command[0], command);
    fail("run", command[0]);
  }
  int status = 0;
  rusage usage{};
  check(::wait4(child, &status, 0, &usage), "wait for", command[0]);
  std::fprintf(stderr, "%ld\n", usage.ru_maxrss * 1024);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

} // namespace

int main(int argc, char** argv) {
  const std::string task = argc > 1 ? argv[1] : "";
  if (task == "link" && argc == 5) {
    link_all(read_list(argv[2]), argv[3], argv[4]);
  } else if (task == "lstat" && argc == 4) {
    lstat_all(read_list(argv[2]), argv[3]);
  } else if (task == "unlink" && argc == 3) {
    unlink_all(AT_FDCWD, argv[2]);
  } else if (task == "peak" && argc > 2) {
    return print_peak(argv + 2);
  } else {
    std::fputs("usage: floor link LIST SOURCE TARGET | lstat LIST SOURCE | unlink TREE | peak "
               "COMMAND...\n",
               stderr);
    return 2;
  }
  return 0;
}
