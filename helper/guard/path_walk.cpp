#include "guard/path_walk.hpp"

#include "guard/rights.hpp"
#include "os/format.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <fstream>
#include <string_view>

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

constexpr int k_most_links = 40; // as the kernel's MAXSYMLINKS

bool is_same(int left, int right) {
  struct stat a {};
  struct stat b {};
  return ::fstat(left, &a) == 0 && ::fstat(right, &b) == 0 && a.st_dev == b.st_dev &&
         a.st_ino == b.st_ino;
}

bool is_in_proc(int fd) {
  struct statfs stat {};
  return ::fstatfs(fd, &stat) == 0 && stat.f_type == PROC_SUPER_MAGIC;
}

/// A line of /proc/PID/status: `key:\tfirst ... last`; its last word.
std::string status_field(pid_t thread, std::string_view key) {
  std::ifstream status(os::format("/proc/{}/status", thread));
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) {
      return line.substr(line.find_last_of(" \t") + 1);
    }
  }
  return {};
}

os::UniqueFd reopen(int fd) {
  return os::UniqueFd(::openat(fd, ".", O_PATH | O_CLOEXEC));
}

} // namespace

Result<NamedFile> PathWalk::resolve(const std::string& path, FollowLast last) {
  m_at = reopen(m_base);
  if (!m_at || !start(path)) {
    return Failure{Failure::At::path, errno};
  }
  while (!m_left.empty()) {
    const std::string component = std::move(m_left.back());
    m_left.pop_back();
    if (!step(component, last) && !(m_error == EACCES && step_as_caller(component, last))) {
      return Failure{Failure::At::path, m_error};
    }
  }
  NamedFile out;
  if (::fstat(m_at.get(), &out.stat) != 0) {
    return Failure{Failure::At::path, errno};
  }
  out.file = std::move(m_at);
  out.is_descriptor = m_is_magic;
  if (!m_name.empty() && !m_is_magic) {
    out.folder = std::move(m_folder);
    out.name = std::move(m_name);
  }
  return out;
}

/// What a process has open, root may see only with CAP_SYS_PTRACE, and its own user without; a FUSE
/// file system may be for its user alone.
bool PathWalk::step_as_caller(const std::string& component, FollowLast last) {
  const AsCaller as_caller(m_thread, AsCaller::Ids::all);
  return as_caller.differs() && step(component, last);
}

/// Puts a path before what is left to go.
bool PathWalk::start(const std::string& path) {
  if (path.starts_with('/')) {
    m_at = reopen(m_root);
    m_name.clear();
    m_is_magic = false;
    if (!m_at) {
      return false;
    }
  }
  std::vector<std::string> components;
  std::size_t begin = 0;
  while (begin < path.size()) {
    const auto end = std::min(path.find('/', begin), path.size());
    if (end > begin) {
      components.push_back(path.substr(begin, end - begin));
    }
    begin = end + 1;
  }
  if (path.ends_with('/')) { // what stands before it must be a folder
    components.emplace_back(".");
  }
  m_left.insert(m_left.end(), components.rbegin(), components.rend());
  return true;
}

bool PathWalk::step(const std::string& component, FollowLast last) {
  if (component == ".") {
    return is_folder();
  }
  if (component == "..") {
    return go_up();
  }
  const bool in_proc = is_in_proc(m_at.get());
  const std::string name = in_proc ? own_name(component) : component;
  os::UniqueFd next(::openat(m_at.get(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat stat {};
  if (!next || ::fstat(next.get(), &stat) != 0) {
    m_error = errno;
    return false;
  }
  if (!S_ISLNK(stat.st_mode) || (m_left.empty() && last == FollowLast::no)) {
    return enter(std::move(next), name, false);
  }
  if (++m_links > k_most_links) {
    m_error = ELOOP;
    return false;
  }
  std::array<char, PATH_MAX> text{};
  const ssize_t length = ::readlinkat(next.get(), "", text.data(), text.size());
  if (length < 0) {
    m_error = errno;
    return false;
  }
  // In /proc only self, thread-self, mounts, net and the like are symlinks whose text counts, and
  // that text is relative. The others lead to an open file or folder whatever their text says.
  const std::string target(text.data(), static_cast<std::size_t>(length));
  const bool is_relative_name = !target.starts_with('/') && target.find(':') == std::string::npos;
  if (!in_proc || (is_relative_name && !target.empty())) {
    return start(target);
  }
  os::UniqueFd behind(::openat(m_at.get(), name.c_str(), O_PATH | O_CLOEXEC));
  if (!behind) {
    m_error = errno;
    return false;
  }
  return enter(std::move(behind), name, true);
}

bool PathWalk::is_folder() {
  struct stat stat {};
  m_error = ::fstat(m_at.get(), &stat) != 0 ? errno : S_ISDIR(stat.st_mode) ? 0 : ENOTDIR;
  return m_error == 0;
}

bool PathWalk::enter(os::UniqueFd next, const std::string& name, bool is_magic) {
  m_folder = std::move(m_at);
  m_at = std::move(next);
  m_name = name;
  m_is_magic = is_magic;
  return true;
}

bool PathWalk::go_up() {
  m_name.clear();
  m_is_magic = false;
  if (is_same(m_at.get(), m_root)) {
    return true;
  }
  os::UniqueFd up(::openat(m_at.get(), "..", O_PATH | O_CLOEXEC));
  if (!up) {
    m_error = errno;
    return false;
  }
  m_at = std::move(up);
  return true;
}

/// `self` of /proc is whoever looks: the caller's number in the pid namespace of that /proc.
std::string PathWalk::own_name(const std::string& component) const {
  if (component != "self" && component != "thread-self") {
    return component;
  }
  const std::string process = status_field(m_thread, "Tgid:");
  // In a /proc of another pid namespace we are nobody or have another number, and the caller is its
  // innermost number.
  std::array<char, 32> self{};
  const ssize_t length = ::readlinkat(m_at.get(), "self", self.data(), self.size() - 1);
  const bool is_ours = length > 0 && os::format("{}", ::getpid()) == self.data();
  std::string number = is_ours ? process : status_field(m_thread, "NStgid:");
  if (component == "self") {
    return number;
  }
  const std::string thread =
      is_ours ? os::format("{}", m_thread) : status_field(m_thread, "NSpid:");
  return number + "/task/" + thread;
}

} // namespace snapfix::guard
