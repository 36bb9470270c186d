#include "job/packed_tree.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "source/glob.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <cctype>
#include <string>
#include <unordered_set>

namespace snapfix::job {
namespace {

constexpr std::size_t k_longest_path = 4095;
constexpr std::size_t k_longest_name = 255;

[[noreturn]] void refuse(const std::string& what, const std::string& path) {
  throw os::Error(
      os::format("the pack names {}, {}: nothing is made of it", os::quoted(path), what),
      "it is damaged, or its maker means ill");
}

/// `.git` in any case, and what some file systems take for it.
bool is_git(std::string_view name) {
  std::string lower(name);
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  lower.erase(lower.find_last_not_of(". ") + 1);
  return lower == ".git" || lower == "git~1" || lower.starts_with(".git:");
}

/// Whether it surely stays in the tree, whatever other symlinks there are: it goes up only at its
/// beginning, and not above the top.
bool stays_in_tree(std::string_view folder, const std::string& target) {
  if (target.starts_with('/')) {
    return false;
  }
  auto level = source::split_path(folder).size();
  bool goes_down = false;
  for (const auto component : source::split_path(target)) {
    if (component != "..") {
      goes_down = goes_down || component != ".";
    } else if (goes_down || level-- == 0) {
      return false;
    }
  }
  return true;
}

} // namespace

void check_path(const std::string& path) {
  if (path.empty() || path.size() > k_longest_path || path.find('\0') != std::string::npos) {
    refuse("which is no path", path);
  }
  for (std::size_t begin = 0; begin <= path.size();) {
    const auto end = std::min(path.find('/', begin), path.size());
    const auto name = std::string_view(path).substr(begin, end - begin);
    if (name.empty() || name == "." || name == ".." || name.size() > k_longest_name) {
      refuse("which leads out of a tree, or is no path", path);
    }
    if (is_git(name)) {
      refuse("which is git's", path);
    }
    begin = end + 1;
  }
}

void check_tree(const PackedTree& tree, std::vector<std::size_t>& odd_symlinks) {
  std::unordered_set<std::string_view> folders;
  for (const auto& folder : tree.folders) {
    if (!folder.path.empty()) {
      check_path(folder.path);
    }
    if (!folders.insert(folder.path).second) {
      refuse("twice", folder.path);
    }
  }
  std::unordered_set<std::string_view> files;
  const auto check_above = [&](const std::string& path) {
    if (!folders.contains(source::folder_of(path))) {
      refuse("without the folder that it lies in", path);
    }
  };
  for (const auto& folder : tree.folders) {
    check_above(folder.path);
  }
  for (std::size_t i = 0; i < tree.files.size(); ++i) {
    const auto& [file, from, lfs_id] = tree.files[i];
    check_path(file.path);
    check_above(file.path);
    if (!files.insert(file.path).second || folders.contains(file.path)) {
      refuse("twice", file.path);
    }
    if (from == Origin::lfs && (!is_object_id(lfs_id) || lfs_id.size() != 64)) {
      refuse("with an id that is none", file.path);
    }
    if (!S_ISLNK(file.mode)) {
      continue;
    }
    if (file.target.empty() || file.target.size() > k_longest_path ||
        file.target.find('\0') != std::string::npos) {
      refuse("a symlink to nothing", file.path);
    }
    if (!stays_in_tree(source::folder_of(file.path), file.target)) {
      odd_symlinks.push_back(i);
    }
  }
}

bool is_object_id(std::string_view text) {
  constexpr std::size_t k_sha1 = 40;
  constexpr std::size_t k_sha256 = 64;
  return (text.size() == k_sha1 || text.size() == k_sha256) &&
         text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

} // namespace snapfix::job
