#include "os/subprocess.hpp"

#include "os/error.hpp"
#include "os/fd.hpp"
#include "os/format.hpp"
#include "os/path.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace snapfix::os {
namespace {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw Error("make a pipe", {}, errno);
  }
  return {UniqueFd(ends[0]), UniqueFd(ends[1])};
}

/// The settings of posix_spawn, destroyed on every path.
class SpawnActions {
public:
  SpawnActions() { ::posix_spawn_file_actions_init(&m_actions); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { ::posix_spawn_file_actions_destroy(&m_actions); }
  posix_spawn_file_actions_t* get() { return &m_actions; }

private:
  posix_spawn_file_actions_t m_actions{};
};

/// A program finds its signals as it expects them, though we ignore some.
class SpawnAttributes {
public:
  SpawnAttributes() {
    ::posix_spawnattr_init(&m_attributes);
    sigset_t ignored_by_us{};
    ::sigemptyset(&ignored_by_us);
    ::sigaddset(&ignored_by_us, SIGPIPE);
    ::sigaddset(&ignored_by_us, SIGXFSZ);
    ::posix_spawnattr_setsigdefault(&m_attributes, &ignored_by_us);
    ::posix_spawnattr_setflags(&m_attributes, POSIX_SPAWN_SETSIGDEF);
  }
  void set_own_group() {
    ::posix_spawnattr_setflags(&m_attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { ::posix_spawnattr_destroy(&m_attributes); }
  const posix_spawnattr_t* get() const { return &m_attributes; }

private:
  posix_spawnattr_t m_attributes{};
};

using Take = std::function<void(std::string_view)>;
using Clock = std::chrono::steady_clock;
using Deadline = std::optional<Clock::time_point>;

/// Of a program that asks something: a job array of 10,000 tasks is told in 100 KB.
constexpr std::size_t k_longest_answer = std::size_t{1024} * 1024;

/// For poll: in milliseconds, -1 for ever.
int time_left(const Deadline& deadline) {
  if (!deadline) {
    return -1;
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
  return static_cast<int>(std::max<decltype(left)>(left, 0));
}

enum class Drained { to_the_end, not_in_time, too_much };

Drained drain(const UniqueFd& out, const Take& take_out, const UniqueFd& err, const Take& take_err,
              const Deadline& deadline) {
  std::array<pollfd, 2> waits{{{out.get(), POLLIN, 0}, {err.get(), POLLIN, 0}}};
  const std::array<const Take*, 2> takers{&take_out, &take_err};
  std::vector<char> buffer(std::size_t{256} * 1024);
  std::size_t all = 0;
  while (waits[0].fd >= 0 || waits[1].fd >= 0) {
    const int ready = ::poll(waits.data(), waits.size(), time_left(deadline));
    if (ready < 0) {
      if (errno == EINTR) {
        continue;
      }
      throw Error("wait for a program's output", {}, errno);
    }
    if (ready == 0) {
      return Drained::not_in_time;
    }
    for (std::size_t i = 0; i < waits.size(); ++i) {
      if (waits[i].fd < 0 || waits[i].revents == 0) {
        continue;
      }
      const ssize_t got = ::read(waits[i].fd, buffer.data(), buffer.size());
      if (got > 0) {
        (*takers[i])(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
        all += static_cast<std::size_t>(got);
      } else if (got == 0 || errno != EINTR) {
        waits[i].fd = -1;
      }
    }
    if (deadline && all > k_longest_answer) {
      return Drained::too_much;
    }
  }
  return Drained::to_the_end;
}

Finished run_until(const Deadline& deadline, const std::vector<std::string>& command,
                   const Environment& environment, const std::string& folder,
                   const Take& take_output, int input) {
  Pipe out = make_pipe();
  Pipe err = make_pipe();
  SpawnActions actions;
  SpawnAttributes attributes;
  if (deadline) {
    attributes.set_own_group(); // to end it with what it started
  }
  if (input < 0) {
    ::posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  } else {
    if (input != STDIN_FILENO) {
      ::lseek(input, 0, SEEK_SET);
    }
    ::posix_spawn_file_actions_adddup2(actions.get(), input, STDIN_FILENO);
  }
  ::posix_spawn_file_actions_adddup2(actions.get(), out.write_end.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(actions.get(), err.write_end.get(), STDERR_FILENO);
  ::posix_spawn_file_actions_addchdir_np(actions.get(), folder.c_str());
  auto arguments = pointers_to(command);
  auto variables = pointers_to(environment.variables());
  pid_t pid = 0;
  const int failed = ::posix_spawnp(&pid, arguments[0], actions.get(), attributes.get(),
                                    arguments.data(), variables.data());
  if (failed != 0) {
    throw Error("run", {command[0]}, failed);
  }
  out.write_end.reset();
  err.write_end.reset();
  Finished result;
  const auto append_to = [](std::string& text) {
    return Take([&text](std::string_view piece) { text += piece; });
  };
  const auto drained = drain(out.read_end, take_output ? take_output : append_to(result.out),
                             err.read_end, append_to(result.err), deadline);
  if (drained != Drained::to_the_end) {
    ::kill(-pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) {
      throw Error("wait for", {command[0]}, errno);
    }
  }
  if (drained != Drained::to_the_end) {
    throw Error(
        os::format("{} {}", os::quoted(command[0]),
                   drained == Drained::too_much ? "answers more than 1 MiB" : "does not answer"));
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

} // namespace

std::optional<std::string> find_program(const std::string& name) {
  const auto may_run = [](const std::string& path) {
    struct stat stat {};
    return ::stat(path.c_str(), &stat) == 0 && S_ISREG(stat.st_mode) &&
           ::access(path.c_str(), X_OK) == 0;
  };
  if (name.find('/') != std::string::npos) {
    return may_run(name) ? std::optional(absolute_path(name)) : std::nullopt;
  }
  const char* variable = std::getenv("PATH"); // NOLINT(concurrency-mt-unsafe): no thread writes it
  const std::string folders = variable != nullptr ? variable : "/usr/local/bin:/usr/bin:/bin";
  for (std::size_t begin = 0; begin <= folders.size();) {
    const auto end = std::min(folders.find(':', begin), folders.size());
    const auto path = absolute_path(folders.substr(begin, end - begin)) + "/" + name;
    if (may_run(path)) {
      return path;
    }
    begin = end + 1;
  }
  return std::nullopt;
}

std::vector<char*> pointers_to(const std::vector<std::string>& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (const auto& word : words) {
    out.push_back(const_cast<char*>(word.c_str())); // NOLINT(*-const-cast): posix_spawn's type
  }
  out.push_back(nullptr);
  return out;
}

Finished run_program(const std::vector<std::string>& command, const Environment& environment,
                     const std::string& folder,
                     const std::function<void(std::string_view)>& take_output, int input) {
  return run_until({}, command, environment, folder, take_output, input);
}

Finished ask_program(const std::vector<std::string>& command, const Environment& environment,
                     int seconds) {
  return run_until(Clock::now() + std::chrono::seconds(seconds), command, environment, "/", {}, -1);
}

} // namespace snapfix::os
