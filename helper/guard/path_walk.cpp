#include "guard/path_walk.hpp"

#include "guard/rights.hpp"
#include "os/format.hpp"
#include "os/process.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

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
  return ::fstat(left, &a) == 0 && ::fstat(right, &b) == 0 && is_same_file(a, b);
}

bool is_in_proc(int fd) {
  struct statfs stat {};
  return ::fstatfs(fd, &stat) == 0 && stat.f_type == PROC_SUPER_MAGIC;
}

/// The last word that /proc/PID/status says behind `key`: of numbers in several pid namespaces the
/// innermost.
std::string innermost(pid_t thread, const char* key) {
  const std::string words = os::status_of(thread, key).value_or("");
  return words.substr(words.find_last_of(" \t") + 1);
}

os::UniqueFd reopen(int fd) {
  return os::UniqueFd(::openat(fd, ".", O_PATH | O_CLOEXEC));
}

} // namespace

Result<NamedFile> PathWalk::resolve(const std::string& path, FollowLast last) {
  m_here = {reopen(m_base)};
  bool came_on = m_here.at ? start(path) : failed();
  std::string component;
  while (came_on && !m_left.empty()) {
    component = std::move(m_left.back());
    m_left.pop_back();
    came_on = step(component, last) || (m_error == EACCES && step_as_caller(component, last));
  }
  NamedFile out;
  if (!came_on || (::fstat(m_here.at.get(), &out.stat) != 0 && !failed())) {
    Failure failure{Failure::At::path, m_error};
    if (!came_on && m_error == ENOENT && m_left.empty() && m_here.at) {
      failure.missing =
          std::make_shared<const Place>(Place{std::move(m_here.at), std::move(component), {}});
    }
    return failure;
  }
  out.file = std::move(m_here.at);
  out.is_descriptor = m_here.is_magic;
  out.number = m_here.number;
  if (!m_here.name.empty() && !m_here.is_magic) {
    out.folder = std::move(m_here.folder);
    out.name = std::move(m_here.name);
  }
  return out;
}

bool PathWalk::failed() {
  m_error = errno;
  return false;
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
    m_here = {reopen(m_root)};
    if (!m_here.at) {
      return failed();
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
  const int at = m_here.at.get();
  const bool in_proc = is_in_proc(at);
  const std::string name = in_proc ? own_name(component) : component;
  os::UniqueFd next(::openat(at, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  struct stat stat {};
  if (!next || ::fstat(next.get(), &stat) != 0) {
    return failed();
  }
  if (!S_ISLNK(stat.st_mode) || (m_left.empty() && last == FollowLast::no)) {
    const bool is_own_fd = m_here.own == Own::process && component == "fd";
    const Own own = is_own_fd           ? Own::descriptors
                    : name != component ? Own::process // self
                                        : Own::no;
    m_here = {std::move(next), std::move(m_here.at), name, false, own, {}};
    return true;
  }
  if (++m_links > k_most_links) {
    errno = ELOOP;
    return failed();
  }
  std::array<char, PATH_MAX> text{};
  const ssize_t length = ::readlinkat(next.get(), "", text.data(), text.size());
  if (length < 0) {
    return failed();
  }
  // In /proc only self, thread-self, mounts, net and the like are symlinks whose text counts, and
  // that text is relative. The others lead to an open file or folder whatever their text says.
  const std::string target(text.data(), static_cast<std::size_t>(length));
  const bool is_relative_name = !target.starts_with('/') && target.find(':') == std::string::npos;
  if (!in_proc || (is_relative_name && !target.empty())) {
    return start(target);
  }
  os::UniqueFd behind(::openat(at, name.c_str(), O_PATH | O_CLOEXEC));
  if (!behind) {
    return failed();
  }
  const auto number = m_here.own == Own::descriptors
                          ? std::optional(static_cast<int>(std::strtol(name.c_str(), nullptr, 10)))
                          : std::nullopt;
  m_here = {std::move(behind), std::move(m_here.at), name, true, Own::no, number};
  return true;
}

bool PathWalk::is_folder() {
  struct stat stat {};
  errno = ENOTDIR;
  return (::fstat(m_here.at.get(), &stat) == 0 && S_ISDIR(stat.st_mode)) || failed();
}

bool PathWalk::go_up() {
  os::UniqueFd up = is_same(m_here.at.get(), m_root)
                        ? std::move(m_here.at)
                        : os::UniqueFd(::openat(m_here.at.get(), "..", O_PATH | O_CLOEXEC));
  if (!up) {
    return failed();
  }
  m_here = {std::move(up)};
  return true;
}

/// `self` of /proc is whoever looks: the caller's number in the pid namespace of that /proc.
std::string PathWalk::own_name(const std::string& component) const {
  if (component != "self" && component != "thread-self") {
    return component;
  }
  const std::string process = innermost(m_thread, "Tgid");
  // In a /proc of another pid namespace we are nobody or have another number, and the caller is its
  // innermost number.
  std::array<char, 32> self{};
  const ssize_t length = ::readlinkat(m_here.at.get(), "self", self.data(), self.size() - 1);
  const bool is_ours = length > 0 && os::format("{}", ::getpid()) == self.data();
  std::string number = is_ours ? process : innermost(m_thread, "NStgid");
  if (component == "self") {
    return number;
  }
  const std::string thread = is_ours ? os::format("{}", m_thread) : innermost(m_thread, "NSpid");
  return number + "/task/" + thread;
}

} // namespace snapfix::guard
