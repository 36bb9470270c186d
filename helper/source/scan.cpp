#include "source/scan.hpp"

#include <algorithm>
#include <optional>

namespace snapfix::source {
namespace {

void scan_folder(const os::Dir& folder, const ListedFolder& listed, Scan& scan,
                 ScannedFolder& out) {
  std::string name; // names in git's output end at a NUL or not: a copy always does
  for (const auto& entry : listed.names) {
    name = entry.name;
    const auto stat = folder.try_stat(name.c_str(), os::Freshness::server);
    if (!stat || stat->is_folder()) {
      ++(entry.skip_worktree ? scan.left_out.sparse : scan.left_out.deleted);
    } else if (stat->is_file() || stat->is_symlink()) {
      out.files.push_back({entry.name, *stat});
    } else {
      ++scan.left_out.special;
    }
  }
}

void count_missing(const ListedFolder& listed, LeftOut& left_out) {
  for (const auto& entry : listed.names) {
    ++(entry.skip_worktree ? left_out.sparse : left_out.deleted);
  }
}

/// Folders that hold nothing and are none in their own right are there only for files that are
/// gone; those above them that do hold something stay.
void drop_empty_folders(const Listing& listing, Scan& scan, const std::vector<bool>& present) {
  std::vector<bool> needed(listing.folders.size());
  for (std::size_t i = listing.folders.size(); i-- > 0;) {
    const bool holds = !scan.folders[i].files.empty() || listing.folders[i].keep_if_empty;
    needed[i] = present[i] && (needed[i] || holds);
    if (needed[i] && i != 0) {
      needed[listing.folders[i].parent] = true;
    }
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < scan.folders.size(); ++i) {
    if (needed[i]) {
      if (kept != i) {
        scan.folders[kept] = std::move(scan.folders[i]);
      }
      ++kept;
    }
  }
  scan.folders.resize(kept);
}

} // namespace

void visit_folders(const os::Dir& top, const std::vector<std::string_view>& paths,
                   const std::function<void(std::size_t, const os::Dir*)>& visit) {
  // A listing holds every folder above one it names, so the rest is always a single name.
  struct Level {
    std::string_view path;
    std::optional<os::Dir> folder;
  };
  std::vector<Level> open; // the folders on the way to the present one
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const std::string_view path = paths[i];
    if (path.empty()) {
      visit(i, &top);
      continue;
    }
    while (!open.empty() && !is_below(path, open.back().path)) {
      open.pop_back();
    }
    const os::Dir* above = &top;
    std::string_view rest = path;
    if (!open.empty()) {
      above = open.back().folder ? &*open.back().folder : nullptr;
      rest.remove_prefix(open.back().path.size() + 1);
    }
    auto folder =
        above != nullptr ? above->try_open_child(std::string(rest).c_str()) : std::nullopt;
    open.push_back({path, std::move(folder)});
    visit(i, open.back().folder ? &*open.back().folder : nullptr);
  }
}

bool same_stat(const os::Stat& left, const os::Stat& right) noexcept {
  return left.inode == right.inode && left.size == right.size && left.mtime == right.mtime &&
         left.ctime == right.ctime && left.mode == right.mode;
}

std::optional<std::string> first_difference(const Scan& first, const Scan& second) {
  const std::size_t common = std::min(first.folders.size(), second.folders.size());
  for (std::size_t i = 0; i < common; ++i) {
    const auto& left = first.folders[i];
    const auto& right = second.folders[i];
    const bool same = left.path == right.path && left.stat.mode == right.stat.mode &&
                      std::ranges::equal(left.files, right.files, [](const auto& a, const auto& b) {
                        return a.name == b.name && same_stat(a.stat, b.stat);
                      });
    if (!same) {
      return left.path.empty() ? "." : left.path;
    }
  }
  if (first.folders.size() == second.folders.size()) {
    return std::nullopt;
  }
  return (first.folders.size() > common ? first : second).folders[common].path;
}

Scan scan(const os::Dir& top, const Listing& listing) {
  Scan out;
  out.folders.resize(listing.folders.size());
  std::vector<std::string_view> paths;
  paths.reserve(listing.folders.size());
  for (const auto& folder : listing.folders) {
    paths.push_back(folder.path);
  }
  std::vector<bool> present(listing.folders.size());
  visit_folders(top, paths, [&](std::size_t i, const os::Dir* folder) {
    if (folder == nullptr) {
      count_missing(listing.folders[i], out.left_out);
      return;
    }
    present[i] = true;
    out.folders[i].path = listing.folders[i].path;
    out.folders[i].stat = folder->stat();
    scan_folder(*folder, listing.folders[i], out, out.folders[i]);
  });
  drop_empty_folders(listing, out, present);
  return out;
}

} // namespace snapfix::source
