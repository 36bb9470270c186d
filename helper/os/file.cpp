#include "os/file.hpp"

#include "os/error.hpp"
#include "os/format.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/xattr.h>

namespace snapfix::os {
namespace {

constexpr std::size_t k_buffer_size = std::size_t{256} * 1024;

std::vector<std::byte>& copy_buffer() {
  thread_local std::vector<std::byte> buffer(k_buffer_size);
  return buffer;
}

std::size_t read_some(int fd, std::span<std::byte> buffer, std::uint64_t offset,
                      const std::string& path) {
  for (;;) {
    const ssize_t got = ::pread(fd, buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (got >= 0) {
      return static_cast<std::size_t>(got);
    }
    if (errno != EINTR) {
      throw Error("read", {path}, errno);
    }
  }
}

/// The next stretch of data at or after `offset`; up to `size` where the file system cannot tell.
std::pair<std::uint64_t, std::uint64_t> next_data(int fd, std::uint64_t offset,
                                                  std::uint64_t size) {
  const off_t data = ::lseek(fd, static_cast<off_t>(offset), SEEK_DATA);
  if (data < 0) {
    return errno == ENXIO ? std::pair{size, size} : std::pair{offset, size};
  }
  const off_t hole = ::lseek(fd, data, SEEK_HOLE);
  const auto begin = std::min(static_cast<std::uint64_t>(data), size);
  return {begin, hole < 0 ? size : std::min(static_cast<std::uint64_t>(hole), size)};
}

bool may_have_holes(int fd) {
  struct stat raw {};
  return ::fstat(fd, &raw) == 0 && raw.st_blocks * 512 < raw.st_size;
}

/// Reads the first `size` bytes of a file, holes not, and gives each piece of data with its offset
/// to `use`; all of it, zeros for holes, goes to the hasher if there is one. Returns how many bytes
/// there were.
template<typename Use>
std::uint64_t read_data(int fd, const std::string& path, std::uint64_t size, Hasher* hasher,
                        const Use& use) {
  auto& buffer = copy_buffer();
  const bool holes = may_have_holes(fd);
  std::uint64_t offset = 0;
  while (offset < size) {
    const auto [begin, end] = holes ? next_data(fd, offset, size) : std::pair{offset, size};
    if (hasher != nullptr) {
      hasher->add_zeros(begin - offset);
    }
    offset = begin;
    while (offset < end) {
      const auto wanted = std::min<std::uint64_t>(buffer.size(), end - offset);
      const std::size_t got =
          read_some(fd, std::span(buffer).first(static_cast<std::size_t>(wanted)), offset, path);
      if (got == 0) {
        return offset;
      }
      const auto part = std::span<const std::byte>(buffer).first(got);
      if (hasher != nullptr) {
        hasher->add(part);
      }
      use(offset, part);
      offset += got;
    }
  }
  return offset;
}

/// The value of an extended attribute; nothing if there is none that can be read.
std::optional<std::string> xattr_of(int fd, const char* name) {
  const ssize_t size = ::fgetxattr(fd, name, nullptr, 0);
  std::string value(static_cast<std::size_t>(std::max<ssize_t>(size, 0)), '\0');
  const ssize_t got = size < 0 ? size : ::fgetxattr(fd, name, value.data(), value.size());
  return got == size && got >= 0 ? std::optional(value) : std::nullopt;
}

/// Owner, extended attributes (ACLs are such), mode, in this order: a change of owner drops setuid
/// bits. Throws Error naming `path`.
void copy_attributes(int from, int to, const std::string& path) {
  struct stat wanted {};
  struct stat now {};
  if (::fstat(from, &wanted) != 0 || ::fstat(to, &now) != 0) {
    throw Error("look at", {path}, errno);
  }
  const bool same_owner = now.st_uid == wanted.st_uid && now.st_gid == wanted.st_gid;
  if (!same_owner && ::fchown(to, wanted.st_uid, wanted.st_gid) != 0) {
    throw Error("keep the owner of", {path}, errno);
  }
  ::fremovexattr(to, "system.posix_acl_access");   // what the folder's default ACL gave it
  std::string names(std::size_t{64} * 1024, '\0'); // the kernel's limit
  const ssize_t size = ::flistxattr(from, names.data(), names.size());
  for (std::size_t at = 0; size > 0 && at < static_cast<std::size_t>(size);) {
    const std::string name = names.c_str() + at;
    const auto value = xattr_of(from, name.c_str());
    if (!value || (xattr_of(to, name.c_str()) != value &&
                   ::fsetxattr(to, name.c_str(), value->data(), value->size(), 0) != 0)) {
      throw Error("keep the attribute " + name + " of", {path}, errno);
    }
    at += name.size() + 1;
  }
  if (::fchmod(to, wanted.st_mode & 07777U) != 0) {
    throw Error("keep the mode of", {path}, errno);
  }
}

/// What stands there, left by a killed process of our number or put there by somebody, is removed
/// and not written to.
UniqueFd open_new(const Dir& dir, const char* name, std::uint32_t permissions) {
  constexpr int k_flags = O_WRONLY | O_CREAT | O_EXCL;
  try {
    return dir.open_file(name, k_flags, permissions);
  } catch (const Error& error) {
    if (error.error_number() != EEXIST) {
      throw;
    }
  }
  dir.unlink_if_present(name);
  return dir.open_file(name, k_flags, permissions);
}

} // namespace

int try_reflink(int from, int to) noexcept {
  return ::ioctl(to, FICLONE, from) == 0 ? 0 : errno;
}

bool means_no_reflink(int error_number) noexcept {
  return error_number == EOPNOTSUPP || error_number == EXDEV || error_number == ENOTTY ||
         error_number == EINVAL || error_number == ENOSYS || error_number == EPERM ||
         error_number == EACCES;
}

std::uint64_t copy_data(int from, const std::string& from_path, int to, const std::string& to_path,
                        std::uint64_t size, Hasher* hasher) {
  std::uint64_t end = 0; // of what was written
  const auto write = [&](std::uint64_t offset, std::span<const std::byte> part) {
    if (offset != end && ::lseek(to, static_cast<off_t>(offset), SEEK_SET) < 0) {
      throw Error("write", {to_path}, errno);
    }
    write_all(to, part, to_path);
    end = offset + part.size();
  };
  const std::uint64_t got = read_data(from, from_path, size, hasher, write);
  if (got != end && ::ftruncate(to, static_cast<off_t>(got)) != 0) { // a hole at the end
    throw Error("write", {to_path}, errno);
  }
  return got;
}

Hash hash_file(int fd, const std::string& path) {
  Hasher hasher;
  read_data(fd, path, os::stat_of(fd, path).size, &hasher,
            [](std::uint64_t, std::span<const std::byte>) {});
  return hasher.finish();
}

MappedFile MappedFile::open(const Dir& dir, const char* name) {
  const UniqueFd fd = dir.open_file(name, O_RDONLY);
  const Stat stat = os::stat_of(fd.get(), dir.path_of(name));
  MappedFile out;
  if (stat.size > 0) {
    void* data = ::mmap(nullptr, stat.size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
    if (data == MAP_FAILED) {
      throw Error("map", {dir.path_of(name)}, errno);
    }
    out.m_data = static_cast<const std::byte*>(data);
    out.m_size = stat.size;
  }
  return out;
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : m_data(std::exchange(other.m_data, nullptr)), m_size(std::exchange(other.m_size, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(m_data, other.m_data);
  std::swap(m_size, other.m_size);
  return *this;
}

MappedFile::~MappedFile() {
  if (m_data != nullptr) {
    ::munmap(const_cast<std::byte*>(m_data), m_size); // NOLINT(*-const-cast): munmap's signature
  }
}

std::optional<std::string> read_small_file(const Dir& dir, const char* name) {
  const auto stat = dir.try_stat(name);
  if (!stat) {
    return std::nullopt;
  }
  const UniqueFd fd(::openat(dir.fd(), name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) {
    if (errno == ENOENT) {
      return std::nullopt; // gone since
    }
    throw Error("open", {dir.path_of(name)}, errno);
  }
  return text_of(fd.get(), dir.path_of(name));
}

UniqueFd make_memory_file() {
  UniqueFd fd(::memfd_create("snapfix", MFD_CLOEXEC));
  if (!fd) {
    throw Error("make a file in memory", {}, errno);
  }
  return fd;
}

std::string text_of(int fd, const std::string& path) {
  std::string text;
  auto& buffer = copy_buffer();
  for (;;) {
    const std::size_t got = read_some(fd, buffer, text.size(), path);
    if (got == 0) {
      return text;
    }
    text.append(reinterpret_cast<const char*>(buffer.data()), got); // NOLINT(*-reinterpret-cast)
  }
}

void write_all(int fd, std::span<const std::byte> bytes, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) {
        continue;
      }
      const int error_number = errno;
      throw Error("write", {path}, error_number,
                  error_number == EFBIG ? "raise the limit of the length of files (ulimit -f)"
                                        : "");
    }
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void write_file(const Dir& dir, const char* name, std::string_view text) {
  const UniqueFd fd = dir.open_file(name, O_WRONLY | O_CREAT | O_TRUNC, 0666);
  write_all(fd.get(), std::as_bytes(std::span(text)), dir.path_of(name));
}

Replacement::Replacement(const Dir& dir, std::string name, std::span<const std::byte> bytes,
                         std::uint32_t permissions)
    : m_dir(dir), m_name(std::move(name)), m_temporary(os::format(".{}.{}", m_name, ::getpid())) {
  try {
    const UniqueFd fd = open_new(dir, m_temporary.c_str(), permissions);
    write_all(fd.get(), bytes, dir.path_of(m_temporary.c_str()));
  } catch (...) {
    ::unlinkat(dir.fd(), m_temporary.c_str(), 0);
    throw;
  }
}

Replacement::~Replacement() {
  if (!m_temporary.empty()) {
    ::unlinkat(m_dir.fd(), m_temporary.c_str(), 0);
  }
}

void Replacement::take_attributes_of(int file) {
  const std::string path = m_dir.path_of(m_name.c_str());
  const UniqueFd fd = m_dir.open_file(m_temporary.c_str(), O_WRONLY, 0);
  copy_attributes(file, fd.get(), path);
  if (::fsync(fd.get()) != 0) {
    throw Error("write", {path}, errno);
  }
}

void Replacement::commit() {
  m_dir.rename(m_temporary.c_str(), m_dir, m_name.c_str());
  m_temporary.clear();
}

void replace_file(const Dir& dir, const char* name, std::span<const std::byte> bytes,
                  std::uint32_t permissions) {
  Replacement(dir, name, bytes, permissions).commit();
}

void replace_file(const Dir& dir, const char* name, std::string_view text,
                  std::uint32_t permissions) {
  replace_file(dir, name, std::as_bytes(std::span(text)), permissions);
}

void replace_content(const Dir& dir, const char* name, std::string_view text) {
  const std::string path = dir.path_of(name);
  const UniqueFd old = dir.open_to_read(name);
  if (const auto links = stat_of(old.get(), path).links; links > 1) {
    throw Error(os::format("{} has {} names (hard links), and only this one would get the new "
                           "content",
                           os::quoted(path), links));
  }
  constexpr std::uint32_t k_ours_alone = 0600;
  Replacement replacement(dir, name, std::as_bytes(std::span(text)), k_ours_alone);
  replacement.take_attributes_of(old.get());
  replacement.commit();
}

std::optional<std::string> half_replaced(std::string_view name) {
  const auto dot = name.rfind('.');
  if (!name.starts_with('.') || dot == 0 || dot + 1 == name.size() ||
      name.find_first_not_of("0123456789", dot + 1) != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(name.substr(1, dot - 1));
}

} // namespace snapfix::os
