#include "os/user.hpp"

#include "os/error.hpp"
#include "os/path.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>

#include <pwd.h>
#include <unistd.h>

namespace snapfix::os {

std::vector<std::string> home_folders() {
  std::vector<std::string> named;
  const char* home = std::getenv("HOME"); // NOLINT(concurrency-mt-unsafe): no thread writes it
  if (home != nullptr && *home == '/') {
    named.emplace_back(home);
  }
  // Not by getpwuid(3), which may load libraries: the helper that is linked statically has none.
  if (std::FILE* const users = std::fopen("/etc/passwd", "re")) {
    passwd entry{};
    passwd* found = nullptr;
    std::array<char, 4096> texts{};
    while (::fgetpwent_r(users, &entry, texts.data(), texts.size(), &found) == 0) {
      if (entry.pw_uid == ::geteuid() && *entry.pw_dir == '/') {
        named.emplace_back(entry.pw_dir);
        break;
      }
    }
    std::fclose(users);
  }
  std::vector<std::string> out;
  for (const auto& path : named) {
    try {
      out.push_back(canonical_path(path));
    } catch (const Error&) { // it is not there
    }
  }
  return out;
}

} // namespace snapfix::os
