#include "guard/caller.hpp"

#include "guard/path_walk.hpp"
#include "guard/rights.hpp"
#include "os/format.hpp"
#include "os/process.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

constexpr std::size_t k_page = 4096;

/// Which folder a mount namespace's root is: mount ids are unique on the whole machine.
struct RootId {
  std::uint64_t mount = 0;
  std::uint64_t inode = 0;
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  bool operator==(const RootId&) const = default;
};

std::optional<RootId> root_id(const char* path) {
  struct statx stat {};
  if (::statx(AT_FDCWD, path, 0, STATX_INO | STATX_MNT_ID, &stat) != 0) {
    return std::nullopt;
  }
  return RootId{stat.stx_mnt_id, stat.stx_ino, stat.stx_dev_major, stat.stx_dev_minor};
}

bool is_proc(int folder) {
  struct statfs stat {};
  return ::fstatfs(folder, &stat) != 0 || stat.f_type == PROC_SUPER_MAGIC;
}

/// What means the same to us as to a caller with our root: the kernel does the walk, as long as the
/// path leads through nothing that is another thing to each process.
open_how plain_look(TopFolder top) {
  open_how out{};
  out.flags = O_PATH | O_CLOEXEC;
  out.resolve = RESOLVE_NO_MAGICLINKS | (top == TopFolder::directory ? RESOLVE_IN_ROOT : 0);
  return out;
}

os::UniqueFd open_with(int base, const std::string& path, open_how how) {
  return os::UniqueFd(
      static_cast<int>(::syscall(SYS_openat2, base, path.c_str(), &how, sizeof how)));
}

/// Where there is no such name, rather than a symlink that leads nowhere or a name in /proc that
/// we do not have but the caller may: most files that are made are made by calls that would also
/// change one. Nothing where that is not certain.
std::shared_ptr<const Place> missing_at(int base, const std::string& path, TopFolder top) {
  const auto slash = path.find_last_not_of('/') == std::string::npos
                         ? std::string::npos
                         : path.rfind('/', path.find_last_not_of('/'));
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  open_how how = plain_look(top);
  how.flags |= O_DIRECTORY;
  os::UniqueFd parent = open_with(base, folder, how);
  if (!parent || is_proc(parent.get())) {
    return nullptr;
  }
  struct stat stat {};
  if (::fstatat(parent.get(), name.c_str(), &stat, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT) {
    return nullptr;
  }
  return std::make_shared<const Place>(Place{std::move(parent), std::move(name), {}});
}

/// The answer of the kernel's walk; nothing where only our own can tell.
std::optional<Result<NamedFile>> look_at_once(int base, const std::string& path, FollowLast last,
                                              TopFolder top) {
  open_how how = plain_look(top);
  how.flags |= last == FollowLast::no ? O_NOFOLLOW : 0;
  NamedFile out;
  out.file = open_with(base, path, how);
  if (out.file && ::fstat(out.file.get(), &out.stat) == 0) {
    return out;
  }
  if (errno == ENOENT) {
    if (auto missing = missing_at(base, path, top)) {
      return Failure{Failure::At::name, ENOENT, std::move(missing)};
    }
  }
  return std::nullopt;
}

} // namespace

/// Opens a link of the caller's folder in /proc, which leads to what the caller has open. EPERM: we
/// may not look.
Result<os::UniqueFd> Caller::open_proc(const std::string& path) const {
  os::UniqueFd out(::open(path.c_str(), O_PATH | O_CLOEXEC));
  if (!out && (errno == EACCES || errno == EPERM)) {
    const AsCaller as_caller(m_thread, AsCaller::Ids::all);
    out = os::UniqueFd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  }
  if (out) {
    return out;
  }
  return Failure{Failure::At::process, errno == EACCES ? EPERM : errno};
}

std::string Caller::proc_path(const char* entry) const {
  return os::format("/proc/{}/{}", m_thread, entry);
}

std::string Caller::descriptor_path(int number) const {
  return number == AT_FDCWD ? proc_path("cwd") : os::format("/proc/{}/fd/{}", m_thread, number);
}

std::string Caller::path_below_root(const std::string& path) const {
  std::array<char, PATH_MAX> text{};
  const ssize_t length = ::readlink(proc_path("root").c_str(), text.data(), text.size() - 1);
  const std::string root(text.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  return root.size() > 1 && path.starts_with(root + "/") ? path.substr(root.size()) : path;
}

std::string Caller::program() const {
  return os::process_name(m_thread);
}

std::optional<Failure> Caller::read_memory(std::uint64_t address, void* to,
                                           std::size_t size) const {
  const iovec local{to, size};
  const iovec remote{reinterpret_cast<void*>(address), size}; // NOLINT: an address elsewhere
  ssize_t got = ::process_vm_readv(m_thread, &local, 1, &remote, 1, 0);
  if (got < 0 && errno == EPERM) {
    const AsCaller as_caller(m_thread, AsCaller::Ids::all);
    got = ::process_vm_readv(m_thread, &local, 1, &remote, 1, 0);
  }
  if (got == static_cast<ssize_t>(size)) {
    return std::nullopt;
  }
  return Failure{Failure::At::process, got < 0 ? errno : EFAULT};
}

Result<std::string> Caller::read_string(std::uint64_t address) const {
  std::array<char, PATH_MAX> buffer; // NOLINT(*-member-init): filled below
  std::size_t length = 0;
  // The string may end shortly before memory that is not there: a page at a time.
  while (length < buffer.size()) {
    const std::size_t chunk =
        std::min(k_page - (address + length) % k_page, buffer.size() - length);
    if (const auto failure = read_memory(address + length, &buffer[length], chunk)) {
      return *failure;
    }
    if (std::memchr(&buffer[length], '\0', chunk) != nullptr) {
      return std::string(buffer.data());
    }
    length += chunk;
  }
  return Failure{Failure::At::process, ENAMETOOLONG};
}

/// Its descriptor `number` (AT_FDCWD: its folder), as an O_PATH descriptor of ours.
Result<os::UniqueFd> Caller::open_base(int directory) const {
  auto out = open_proc(descriptor_path(directory));
  if (!out && out.failure().error_number == ENOENT) {
    return Failure{Failure::At::process, EBADF};
  }
  return out;
}

Result<NamedFile> Caller::open_descriptor(int number) const {
  auto file = open_base(number);
  if (!file) {
    return file.failure();
  }
  NamedFile out;
  out.is_descriptor = true;
  out.number = number;
  out.file = std::move(*file);
  if (::fstat(out.file.get(), &out.stat) != 0) {
    return Failure{Failure::At::path, errno};
  }
  return out;
}

std::optional<Caller::DescriptorState> Caller::descriptor_state(int number) const {
  const auto text = os::read_proc(os::format("/proc/{}/fdinfo/{}", m_thread, number)).value_or("");
  DescriptorState out;
  long long offset = 0;
  unsigned flags = 0;
  // proc(5): "pos: <decimal>", then "flags: <octal>".
  if (std::sscanf(text.c_str(), "pos: %lld flags: %o", &offset, &flags) !=
      2) { // NOLINT(cert-err34-c)
    return std::nullopt;
  }
  out.offset = offset;
  out.flags = static_cast<int>(flags);
  return out;
}

bool Caller::shares_our_root() const {
  static const auto k_ours = root_id("/");
  return k_ours && root_id(proc_path("root").c_str()) == k_ours;
}

/// What the caller itself forbids (RESOLVE_BENEATH, _NO_XDEV, _NO_SYMLINKS, _NO_MAGICLINKS,
/// _CACHED) is not looked at: the kernel refuses what goes against it, and finds else what we find.
Result<NamedFile> Caller::resolve(int directory, const std::string& path, FollowLast last,
                                  TopFolder top) const {
  os::UniqueFd base;
  if (!path.starts_with('/') || top == TopFolder::directory) {
    auto opened = open_base(directory);
    if (!opened) {
      return opened.failure();
    }
    base = std::move(*opened);
  }
  if (!m_walks_always && shares_our_root()) {
    if (auto found = look_at_once(base ? base.get() : AT_FDCWD, path, last, top)) {
      return std::move(*found);
    }
  }
  auto root = open_proc(proc_path("root"));
  if (!root) {
    return root.failure();
  }
  return PathWalk(m_thread, top == TopFolder::directory ? base.get() : root->get(),
                  base ? base.get() : root->get())
      .resolve(path, last);
}

Result<Caller::Match> Caller::match(const NamedFile& file, int directory, const std::string& path,
                                    FollowLast last, std::uint64_t resolve) const {
  if (!shares_our_root()) {
    return Match::unknown;
  }
  const bool is_relative = !path.starts_with('/') || (resolve & RESOLVE_IN_ROOT) != 0;
  const auto base = open_base(is_relative ? directory : AT_FDCWD);
  if (!base) {
    return base.failure();
  }
  open_how how{};
  how.flags = O_PATH | O_CLOEXEC | (last == FollowLast::no ? O_NOFOLLOW : 0);
  how.resolve = resolve | RESOLVE_NO_MAGICLINKS;
  const os::UniqueFd found = open_with(base->get(), path, how);
  struct stat stat {};
  if (!found || ::fstat(found.get(), &stat) != 0) {
    return Failure{Failure::At::path, errno};
  }
  return is_same_file(stat, file.stat) ? Match::same : Match::other;
}

} // namespace snapfix::guard
