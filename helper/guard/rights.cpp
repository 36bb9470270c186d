#include "guard/rights.hpp"

#include "os/format.hpp"
#include "os/process.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <sstream>
#include <string>

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

// System calls in place of glibc's functions, which change the ids of all threads.

namespace snapfix::guard {
namespace {

constexpr unsigned k_half = 32;

/// The words of a line of /proc/PID/status behind its key.
std::string status_line(const std::string& status, const char* key) {
  const auto begin = status.find(key);
  return begin == std::string::npos ? std::string()
                                    : status.substr(begin, status.find('\n', begin + 1) - begin)
                                          .substr(std::string_view(key).size());
}

std::vector<unsigned> numbers_of(const std::string& line) {
  std::vector<unsigned> out;
  std::istringstream words(line);
  for (unsigned id = 0; words >> id;) {
    out.push_back(id);
  }
  return out;
}

struct Capabilities {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> data{};

  std::uint64_t effective() const {
    return std::uint64_t{data[1].effective} << k_half | data[0].effective;
  }
  void set_effective(std::uint64_t bits) {
    data[0].effective = static_cast<std::uint32_t>(bits);
    data[1].effective = static_cast<std::uint32_t>(bits >> k_half);
  }
};

std::optional<Capabilities> capabilities_of(pid_t thread) {
  Capabilities out;
  out.header.pid = thread;
  return ::syscall(SYS_capget, &out.header, out.data.data()) == 0 ? std::optional(out)
                                                                  : std::nullopt;
}

void set_our_effective(std::uint64_t bits) {
  if (auto ours = capabilities_of(0)) {
    ours->set_effective(bits);
    ::syscall(SYS_capset, &ours->header, ours->data.data());
  }
}

/// Which user namespace a process is in: its capabilities count in there only. 0: we may not look.
ino_t user_namespace(const std::string& process) {
  struct stat stat {};
  return ::stat(os::format("/proc/{}/ns/user", process).c_str(), &stat) == 0 ? stat.st_ino : 0;
}

/// What a security module knows a process by, an AppArmor profile for instance.
std::string security_label(const std::string& process) {
  return os::read_proc(os::format("/proc/{}/attr/current", process)).value_or("");
}

} // namespace

bool is_in_our_user_namespace(pid_t thread) {
  static const ino_t k_ours = user_namespace("self");
  return k_ours != 0 && user_namespace(std::to_string(thread)) == k_ours;
}

bool has_our_rights(pid_t thread) {
  struct stat process {};
  if (::stat(os::format("/proc/{}", thread).c_str(), &process) != 0 ||
      process.st_uid != ::geteuid() || process.st_gid != ::getegid()) {
    return false;
  }
  static const auto k_ours = capabilities_of(0);
  static const std::string k_label = security_label("self");
  const auto theirs = capabilities_of(thread);
  return k_ours && theirs && k_ours->effective() == theirs->effective() &&
         is_in_our_user_namespace(thread) &&
         (k_label.empty() || security_label(std::to_string(thread)) == k_label);
}

AsCaller::AsCaller(pid_t thread, Ids which) : m_which(which) {
  const auto status = os::read_proc(os::format("/proc/{}/status", thread));
  const auto ours = capabilities_of(0);
  if (!status || !ours) {
    return;
  }
  const auto users = numbers_of(status_line(*status, "\nUid:")); // real, effective, saved, files
  const auto groups = numbers_of(status_line(*status, "\nGid:"));
  std::uint64_t theirs = 0;
  std::istringstream(status_line(*status, "\nCapEff:")) >> std::hex >> theirs;
  if (users.size() != 4 || groups.size() != 4) {
    return;
  }
  m_is_no_stronger = true;
  if (users[3] != ::geteuid() || groups[3] != ::getegid()) {
    take_ids(users, groups, numbers_of(status_line(*status, "\nGroups:")));
  }
  m_effective = ours->effective();
  if (m_which == Ids::files) {
    const auto wanted = m_effective & (is_in_our_user_namespace(thread) ? theirs : 0);
    m_dropped_capabilities = m_took_ids || wanted != m_effective;
    if (m_dropped_capabilities) {
      set_our_effective(wanted);
    }
  }
}

void AsCaller::take_ids(const std::vector<unsigned>& users, const std::vector<unsigned>& groups,
                        const std::vector<unsigned>& more) {
  m_groups.resize(static_cast<std::size_t>(std::max(::getgroups(0, nullptr), 0)));
  m_groups.resize(static_cast<std::size_t>(
      std::max(::getgroups(static_cast<int>(m_groups.size()), m_groups.data()), 0)));
  ::getresuid(&m_users[0], &m_users[1], &m_users[2]);
  ::getresgid(&m_first_groups[0], &m_first_groups[1], &m_first_groups[2]);
  if (::syscall(SYS_setgroups, more.size(), more.data()) != 0) {
    m_is_no_stronger = false; // we are nobody who can become another
    return;
  }
  m_took_ids = true;
  if (m_which == Ids::files) {
    ::syscall(SYS_setfsgid, groups[3]);
    ::syscall(SYS_setfsuid, users[3]);
    m_is_no_stronger = ::syscall(SYS_setfsuid, -1) == static_cast<long>(users[3]) &&
                       ::syscall(SYS_setfsgid, -1) == static_cast<long>(groups[3]);
  } else {
    ::prctl(PR_SET_KEEPCAPS, 1); // so that we can come back
    m_is_no_stronger = ::syscall(SYS_setresgid, groups[1], groups[1], groups[1]) == 0 &&
                       ::syscall(SYS_setresuid, users[1], users[1], users[1]) == 0;
  }
}

AsCaller::~AsCaller() {
  if (differs()) {
    set_our_effective(m_effective);
  }
  if (!m_took_ids) {
    return;
  }
  if (m_which == Ids::files) {
    ::syscall(SYS_setfsuid, ::geteuid());
    ::syscall(SYS_setfsgid, ::getegid());
  } else {
    ::syscall(SYS_setresuid, m_users[0], m_users[1], m_users[2]);
    ::syscall(SYS_setresgid, m_first_groups[0], m_first_groups[1], m_first_groups[2]);
    ::prctl(PR_SET_KEEPCAPS, 0);
  }
  ::syscall(SYS_setgroups, m_groups.size(), m_groups.data());
  set_our_effective(m_effective); // the change of ids has raised or dropped some
}

} // namespace snapfix::guard
