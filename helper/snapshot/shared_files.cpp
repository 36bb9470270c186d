#include "snapshot/shared_files.hpp"

#include "source/listing.hpp"

#include <unordered_set>

namespace snapfix::snapshot {
namespace {

constexpr std::size_t k_most_looks = 100;

/// The stat of a file of the tree; nothing if it is not there any more.
std::optional<os::Stat> stat_in_tree(const os::Dir& tree, const std::string& path) {
  const auto folder = source::open_below(tree, source::folder_of(path));
  return folder ? folder->try_stat(std::string(source::name_of(path)).c_str()) : std::nullopt;
}

} // namespace

SharedFiles shared_files(const Snapshot& snapshot) {
  const auto& manifest = snapshot.manifest();
  SharedFiles out;
  out.inodes.reserve(manifest.inodes.size());
  for (std::size_t i = 0; i < manifest.inodes.size(); ++i) {
    if (manifest.made[i] == Made::linked) {
      out.inodes.push_back(manifest.inodes[i]);
    }
  }
  if (out.inodes.empty()) {
    return out;
  }
  const Base& base = snapshot.base();
  const os::Dir tree = snapshot.root().top().open_child(snapshot.folder().c_str());
  out.device = tree.stat().device;
  // Files may have another device number than their folder (overlayfs): one that is still there
  // tells.
  std::size_t looks = 0;
  for (std::size_t i = 0; i < manifest.inodes.size() && looks < k_most_looks; ++i) {
    if (manifest.made[i] != Made::linked) {
      continue;
    }
    ++looks;
    const auto stat = stat_in_tree(tree, base.path_of(base.folder_of(i), base.files()[i]));
    if (stat && stat->inode == manifest.inodes[i]) {
      out.device = stat->device;
      break;
    }
  }
  return out;
}

std::unordered_map<std::uint64_t, std::string> paths_of(const Snapshot& snapshot,
                                                        const std::vector<std::uint64_t>& inodes) {
  const auto& manifest = snapshot.manifest();
  const std::unordered_set<std::uint64_t> wanted(inodes.begin(), inodes.end());
  std::unordered_map<std::uint64_t, std::string> out;
  const Base& base = snapshot.base();
  for (std::size_t i = 0; i < manifest.inodes.size(); ++i) {
    if (manifest.made[i] == Made::linked && wanted.contains(manifest.inodes[i])) {
      out.emplace(manifest.inodes[i], base.path_of(base.folder_of(i), base.files()[i]));
    }
  }
  return out;
}

} // namespace snapfix::snapshot
