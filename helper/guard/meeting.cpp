#include "guard/meeting.hpp"

#include "os/format.hpp"

#include <array>
#include <cerrno>
#include <charconv>
#include <climits>
#include <limits>

#include <fcntl.h>
#include <unistd.h>

namespace snapfix::guard {
namespace {

std::string note_of(const std::string& folder, std::uint64_t shared) {
  return os::format("{}/copy.{}", folder, shared);
}

} // namespace

/// The byte of that number in a file is locked. Where the answer is late, it is waited for.
Turn::Turn(const std::string& folder, std::uint64_t inode) {
  if (folder.empty()) {
    return;
  }
  m_file = os::UniqueFd(::open((folder + "/turns").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = static_cast<off_t>(inode % std::numeric_limits<off_t>::max());
  range.l_len = 1;
  while (m_file && ::fcntl(m_file.get(), F_OFD_SETLKW, &range) != 0) {
    if (errno != EINTR) {
      m_file.reset();
    }
  }
}

void tell_of_copy(const std::string& folder, std::uint64_t shared, const Copy& copy) {
  if (folder.empty()) {
    return;
  }
  const auto note = note_of(folder, shared);
  const auto text = os::format("{}:{}", copy.inode, copy.path);
  ::unlink(note.c_str()); // of a copy whose file was replaced since
  [[maybe_unused]] const int told = ::symlink(text.c_str(), note.c_str());
}

std::optional<Copy> copy_told(const std::string& folder, std::uint64_t shared) {
  std::array<char, PATH_MAX> text{};
  const ssize_t length =
      folder.empty() ? -1
                     : ::readlink(note_of(folder, shared).c_str(), text.data(), text.size() - 1);
  Copy out;
  const char* const end = text.data() + (length > 0 ? length : 0);
  const auto [colon, failed] = std::from_chars(text.data(), end, out.inode);
  if (failed != std::errc() || colon == end || *colon != ':') {
    return std::nullopt;
  }
  out.path.assign(colon + 1, end);
  return out;
}

} // namespace snapfix::guard
