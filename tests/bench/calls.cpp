// Times single system calls in a loop, in the current folder. Prints one "name nanoseconds" a line:
// the best of several rounds, since noise only ever adds.

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

constexpr int k_rounds = 7;
constexpr mode_t k_mode = 0644;

template<typename Action> void measure(const char* name, int count, const Action& action) {
  double best = std::numeric_limits<double>::max();
  for (int round = 0; round < k_rounds; ++round) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < count; ++i) {
      action();
    }
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begin;
    best = std::min(best, took.count() / count);
  }
  std::printf("%s %.0f\n", name, best);
}

void open_and_close(const char* path, int flags) {
  const int fd = ::open(path, flags, k_mode);
  if (fd < 0) {
    std::perror(path);
    std::exit(1);
  }
  ::close(fd);
}

void start(bool execute) {
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (execute) {
      ::execl("/bin/true", "true", nullptr);
    }
    ::_exit(0);
  }
  ::waitpid(pid, nullptr, 0);
}

} // namespace

int main() {
  open_and_close("own", O_WRONLY | O_CREAT | O_TRUNC);
  const std::string absolute = std::string(::realpath("own", nullptr));
  struct stat stat {};
  measure("stat", 20000, [&] { ::stat("own", &stat); });
  measure("open_read", 20000, [] { open_and_close("own", O_RDONLY); });
  measure("open_write", 3000, [] { open_and_close("own", O_WRONLY); });
  measure("open_write_absolute", 3000, [&] { open_and_close(absolute.c_str(), O_WRONLY); });
  measure("open_write_dev_null", 3000, [] { open_and_close("/dev/null", O_WRONLY); });
  measure("create_exclusive", 3000, [] {
    open_and_close("new", O_WRONLY | O_CREAT | O_EXCL);
    ::unlink("new");
  });
  measure("create_truncate", 3000, [] {
    open_and_close("new", O_WRONLY | O_CREAT | O_TRUNC);
    ::unlink("new");
  });
  measure("chmod", 3000, [] { ::chmod("own", k_mode); });
  const int fd = ::open("own", O_RDONLY);
  measure("fchmod", 3000, [&] { ::fchmod(fd, k_mode); });
  measure("fork", 300, [] { start(false); });
  measure("fork_exec", 200, [] { start(true); });
  return 0;
}
