#pragma once

#include <string>
#include <utility>

#include <unistd.h>

namespace snapfix::os {

/// Owns a file descriptor.
class UniqueFd {
public:
  UniqueFd() noexcept = default;
  explicit UniqueFd(int fd) noexcept : m_fd(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) {
      reset();
      m_fd = std::exchange(other.m_fd, -1);
    }
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const noexcept { return m_fd; }
  explicit operator bool() const noexcept { return m_fd >= 0; }
  int release() noexcept { return std::exchange(m_fd, -1); }
  void reset() noexcept {
    if (m_fd >= 0) {
      ::close(std::exchange(m_fd, -1));
    }
  }

private:
  int m_fd = -1;
};

/// A path that leads to the file behind a descriptor of ours, also one that was opened with O_PATH:
/// for calls that take no such descriptor.
inline std::string path_of_descriptor(int fd) {
  return "/proc/self/fd/" + std::to_string(fd);
}

} // namespace snapfix::os
