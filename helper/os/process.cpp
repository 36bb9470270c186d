#include "os/process.hpp"

#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <sstream>
#include <string_view>

#include <fcntl.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace snapfix::os {
namespace {

/// Signals that we take otherwise than a process may inherit them.
struct SettledSignal {
  int number;
  sighandler_t wanted;
  sighandler_t inherited = SIG_ERR;
};

/// What this process inherited; it does so once.
struct Inherited {
  rlimit open_files{};
  mode_t umask = 0;
  std::array<SettledSignal, 3> signals{
      {{SIGCHLD, SIG_DFL}, {SIGPIPE, SIG_IGN}, {SIGXFSZ, SIG_IGN}}}; // NOLINT: macros' casts
  bool is_known = false;
};
Inherited g_inherited; // NOLINT(*-non-const-global-variables)

std::optional<std::string> read_link(const std::string& path) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t length = ::readlink(path.c_str(), buffer.data(), buffer.size());
  if (length < 0) {
    return std::nullopt;
  }
  return std::string(buffer.data(), static_cast<std::size_t>(length));
}

std::optional<pid_t> to_pid(const std::string& text) {
  pid_t pid = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), pid);
  return failed == std::errc() && end == text.data() + text.size() ? std::optional(pid)
                                                                   : std::nullopt;
}

/// A field of /proc/PID/stat by its number in proc(5), 3 or more: those after the name, which may
/// hold spaces and parentheses.
std::optional<std::string> stat_field(pid_t pid, int number) {
  const auto text = read_proc(os::format("/proc/{}/stat", pid));
  const auto name_end = text ? text->rfind(')') : std::string::npos;
  if (name_end == std::string::npos) {
    return std::nullopt;
  }
  std::istringstream rest(text->substr(name_end + 1));
  std::string field;
  for (int i = 3; i <= number; ++i) {
    rest >> field;
  }
  return rest ? std::optional(field) : std::nullopt;
}

std::vector<pid_t> all_processes() {
  std::vector<pid_t> out;
  for (const auto& entry : Dir::open("/proc").entries()) {
    if (const auto pid = to_pid(entry.name)) {
      out.push_back(*pid);
    }
  }
  return out;
}

/// The children of all our threads: from the kernel's own list (CONFIG_PROC_CHILDREN), since the
/// stats of all processes cost milliseconds on a busy machine.
std::vector<pid_t> child_numbers() {
  std::vector<pid_t> out;
  if (!proc_is_ours()) {
    return out; // it tells nothing of us
  }
  for (const auto& thread : Dir::open("/proc/self/task").entries()) {
    std::istringstream numbers(
        read_proc("/proc/self/task/" + thread.name + "/children").value_or(""));
    for (pid_t pid = 0; numbers >> pid;) {
      out.push_back(pid);
    }
  }
  if (::access(os::format("/proc/self/task/{}/children", ::getpid()).c_str(), F_OK) != 0) {
    for (const pid_t pid : all_processes()) {
      const auto parent = stat_field(pid, 4);
      if (parent && to_pid(*parent) == ::getpid()) {
        out.push_back(pid);
      }
    }
  }
  return out;
}

bool descends_from(pid_t pid, pid_t ancestor) {
  while (pid > 1 && pid != ancestor) {
    pid = parent_of(pid).value_or(0);
  }
  return pid == ancestor;
}

bool lies_in(const std::string& path, const std::string& folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

bool stands_in(pid_t pid, const std::string& folder) {
  const std::string proc = os::format("/proc/{}", pid);
  for (const char* link : {"/cwd", "/exe", "/root"}) {
    const auto target = read_link(proc + link);
    if (target && lies_in(*target, folder)) {
      return true;
    }
  }
  try {
    const Dir descriptors = Dir::open(proc + "/fd");
    return std::ranges::any_of(descriptors.entries(), [&](const DirEntry& entry) {
      const auto target = read_link(proc + "/fd/" + entry.name);
      return target && lies_in(*target, folder);
    });
  } catch (const Error&) {
    return false; // gone, or not ours to look at
  }
}

} // namespace

std::optional<std::string> read_proc(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    return std::nullopt;
  }
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer.data(), buffer.size());
    if (got < 0) {
      return std::nullopt;
    }
    if (got == 0) {
      return text;
    }
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string process_name(pid_t pid) {
  auto name = read_proc(os::format("/proc/{}/comm", pid)).value_or("");
  while (name.ends_with('\n')) {
    name.pop_back();
  }
  return name.empty() ? "?" : name;
}

std::string host_name() {
  std::array<char, HOST_NAME_MAX + 1> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "unknown";
}

std::string this_machine() {
  auto boot = read_proc("/proc/sys/kernel/random/boot_id").value_or("?");
  while (boot.ends_with('\n')) {
    boot.pop_back();
  }
  return host_name() + "/" + boot + "/" + read_link("/proc/self/ns/pid").value_or("?");
}

std::optional<ProcessId> identify(pid_t pid) {
  const auto start = stat_field(pid, 22);
  if (pid <= 0 || !start) {
    return std::nullopt;
  }
  ProcessId out{this_machine(), pid, 0};
  std::from_chars(start->data(), start->data() + start->size(), out.start_time);
  return out;
}

std::string this_program() {
  constexpr std::string_view k_replaced = " (deleted)"; // another is there by now
  auto out = read_link("/proc/self/exe").value_or("");
  return out.ends_with(k_replaced) ? out.substr(0, out.size() - k_replaced.size()) : out;
}

bool is_static() {
  return ::getauxval(AT_BASE) == 0; // no dynamic linker
}

pid_t this_process() {
  return ::getpid();
}

pid_t parent_process() {
  static const pid_t k_parent = ::getppid();
  return k_parent;
}

uid_t effective_user() {
  return ::geteuid();
}

gid_t effective_group() {
  return ::getegid();
}

std::optional<ProcessId> identify_parent() {
  return identify(parent_process());
}

std::string folder_of_process(pid_t pid) {
  return read_link(os::format("/proc/{}/cwd", pid)).value_or("");
}

std::vector<LivingProcess> processes_in(const std::string& folder) {
  std::vector<LivingProcess> out;
  for (const pid_t pid : all_processes()) {
    if (pid != ::getpid() && stands_in(pid, folder)) {
      out.push_back({pid, process_name(pid)});
    }
  }
  return out;
}

std::vector<LivingProcess> children_of_this_process() {
  std::vector<LivingProcess> out;
  for (const pid_t pid : child_numbers()) {
    const auto state = stat_field(pid, 3);
    if (state && *state != "Z") {
      out.push_back({pid, process_name(pid)});
    }
  }
  return out;
}

bool is_stopped(pid_t pid) {
  const auto state = stat_field(pid, 3);
  return state && (*state == "T" || *state == "t");
}

std::optional<pid_t> parent_of(pid_t pid) {
  const auto parent = stat_field(pid, 4);
  return parent ? to_pid(*parent) : std::nullopt;
}

std::optional<std::string> status_of(pid_t pid, const std::string& key) {
  const auto status = read_proc(os::format("/proc/{}/status", pid));
  const std::string head = "\n" + key + ":\t";
  const auto line = status ? status->find(head) : std::string::npos;
  if (line == std::string::npos) {
    return std::nullopt;
  }
  const auto begin = line + head.size();
  return status->substr(begin, status->find('\n', begin) - begin);
}

std::optional<pid_t> process_of(pid_t thread) {
  const auto process = status_of(thread, "Tgid");
  return process ? to_pid(*process) : std::nullopt;
}

bool is_descendant(pid_t pid) {
  return descends_from(pid, ::getpid());
}

bool is_ancestor(pid_t pid) {
  return descends_from(::getpid(), pid);
}

bool proc_is_ours() {
  return read_link("/proc/self") == os::format("{}", ::getpid());
}

void kill_descendants() {
  // As a subreaper we inherit the children of whatever we kill: each round meets the next level.
  for (;;) {
    for (const auto& child : children_of_this_process()) {
      ::kill(child.pid, SIGKILL);
    }
    if (::waitpid(-1, nullptr, 0) < 0 && errno != EINTR) {
      return;
    }
  }
}

void settle_process() noexcept {
  parent_process();
  // What is written to it fails, as it does on a closed one; a command gets it closed.
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF) {
      ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    }
  }
  if (::getrlimit(RLIMIT_NOFILE, &g_inherited.open_files) == 0) {
    rlimit raised = g_inherited.open_files;
    raised.rlim_cur = raised.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &raised);
  }
  g_inherited.umask = ::umask(0);
  ::umask(g_inherited.umask & ~static_cast<mode_t>(S_IRWXU));
  for (auto& signal : g_inherited.signals) {
    signal.inherited = ::signal(signal.number, signal.wanted);
  }
  g_inherited.is_known = true;
}

void unsettle_process() noexcept {
  if (!g_inherited.is_known) {
    return;
  }
  if (g_inherited.open_files.rlim_max != 0) {
    ::setrlimit(RLIMIT_NOFILE, &g_inherited.open_files);
  }
  ::umask(g_inherited.umask);
  for (const auto& signal : g_inherited.signals) {
    ::signal(signal.number, signal.inherited);
  }
}

} // namespace snapfix::os
