#include "os/user.hpp"

#include "os/error.hpp"
#include "os/path.hpp"

#include <array>
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
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> texts{};
  if (::getpwuid_r(::geteuid(), &entry, texts.data(), texts.size(), &found) == 0 &&
      found != nullptr && found->pw_dir != nullptr && *found->pw_dir == '/') {
    named.emplace_back(found->pw_dir);
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
