#include "os/mounts.hpp"

#include "os/split.hpp"

#include <algorithm>
#include <fstream>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>

namespace snapfix::os {
namespace {

struct Mount {
  std::string id;
  std::string path;
  std::string type;
};

/// White space and \ are \ooo.
std::string unescaped(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if (text[at] == '\\' && at + 3 < text.size()) {
      out += static_cast<char>(std::stoi(text.substr(at + 1, 3), nullptr, 8));
      at += 3;
    } else {
      out += text[at];
    }
  }
  return out;
}

/// Nothing where they cannot be read: there is always one.
std::vector<Mount> all_mounts() {
  constexpr std::size_t k_path = 4;
  std::vector<Mount> out;
  std::ifstream lines("/proc/self/mountinfo");
  for (std::string line; std::getline(lines, line);) {
    // id parent major:minor root mount-point options... - type source options
    const auto words = split(line, ' ');
    const auto separator = std::ranges::find(words, "-");
    if (words.size() > k_path && words.end() - separator > 1) {
      out.push_back({words[0], unescaped(words[k_path]), *(separator + 1)});
    }
  }
  return out;
}

} // namespace

std::string file_system_type(const std::string& folder) {
  // By mount id: Btrfs gives files another device number than its mounts.
  struct statx raw {};
  if (::statx(AT_FDCWD, folder.c_str(), 0, STATX_MNT_ID, &raw) != 0 ||
      (raw.stx_mask & STATX_MNT_ID) == 0) {
    return "unknown";
  }
  const auto mounts = all_mounts();
  const auto found = std::ranges::find(mounts, std::to_string(raw.stx_mnt_id), &Mount::id);
  return found == mounts.end() ? "unknown" : found->type;
}

bool holds_mounts(const std::string& folder) {
  const auto mounts = all_mounts();
  return mounts.empty() || std::ranges::any_of(mounts, [&](const Mount& mount) {
           return mount.path == folder || mount.path.starts_with(folder + "/");
         });
}

} // namespace snapfix::os
