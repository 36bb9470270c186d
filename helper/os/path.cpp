#include "os/path.hpp"

#include "os/error.hpp"

#include <boost/filesystem.hpp>

#include <cerrno>
#include <optional>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace snapfix::os {
namespace {

namespace fs = boost::filesystem;

constexpr int k_tries = 10;

/// Nothing if there is nothing.
std::optional<mode_t> mode_of(const std::string& path) {
  struct stat raw {};
  if (::stat(path.c_str(), &raw) == 0) {
    return raw.st_mode;
  }
  if (errno != ENOENT && errno != ENOTDIR) {
    throw Error("look at", {path}, errno);
  }
  return std::nullopt;
}

} // namespace

std::string absolute_path(const std::string& path) {
  if (path.starts_with('/')) {
    return path;
  }
  boost::system::error_code failed;
  const fs::path here = fs::current_path(failed);
  if (failed) {
    throw Error("find the current folder for", {path}, failed.value(), "it may have been removed");
  }
  return (here / path).string();
}

std::string canonical_path(const std::string& path) {
  boost::system::error_code failed;
  const fs::path out = fs::canonical(absolute_path(path), failed);
  if (failed) {
    throw Error("find", {path}, failed.value());
  }
  return out.string();
}

std::string resolved_path(const std::string& path) {
  const std::string absolute = absolute_path(path);
  for (int tries_left = k_tries;; --tries_left) {
    boost::system::error_code failed;
    const fs::path out = fs::weakly_canonical(absolute, failed);
    if (!failed) {
      return out.string();
    }
    if (tries_left == 0) { // nobody removes or makes a part of it just now
      struct stat raw {};
      // Boost says EPERM, whatever it was.
      throw Error("find", {path}, ::stat(path.c_str(), &raw) != 0 ? errno : failed.value());
    }
  }
}

bool exists(const std::string& path) {
  return mode_of(path).has_value();
}

bool is_visible(const std::string& path) noexcept {
  return ::faccessat(AT_FDCWD, path.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool is_file(const std::string& path) {
  const auto mode = mode_of(path);
  return mode && S_ISREG(*mode);
}

bool is_folder(const std::string& path) {
  const auto mode = mode_of(path);
  return mode && S_ISDIR(*mode);
}

} // namespace snapfix::os
