#include "source/scan.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/parallel.hpp"
#include "os/progress.hpp"

#include <algorithm>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

namespace snapfix::source {
namespace {

LeftOut scan_folder(const os::Dir& folder, const ListedFolder& listed, ScannedFolder& out) {
  LeftOut left_out;
  out.files.reserve(listed.names.size());
  for (const auto& entry : listed.names) {
    const auto stat = folder.try_stat(entry.name.data(), os::Freshness::server);
    if (!stat || stat->is_folder()) {
      ++(entry.skip_worktree ? left_out.sparse : left_out.deleted);
    } else if (stat->is_file() || stat->is_symlink()) {
      out.files.push_back({entry.name, *stat});
    } else {
      ++left_out.special;
    }
  }
  return left_out;
}

LeftOut count_missing(const ListedFolder& listed) {
  LeftOut left_out;
  for (const auto& entry : listed.names) {
    ++(entry.skip_worktree ? left_out.sparse : left_out.deleted);
  }
  return left_out;
}

/// Takes over each folder of which `known` has seen all files that are listed.
void take_known(const Listing& listing, Scan& known, Scan& out, std::vector<char>& present) {
  std::unordered_map<std::string_view, ScannedFolder*> known_folders;
  for (auto& folder : known.folders) {
    known_folders.emplace(folder.path, &folder);
  }
  for (std::size_t i = 0; i < listing.folders.size() && !known_folders.empty(); ++i) {
    const auto& listed = listing.folders[i];
    const auto found = known_folders.find(listed.path);
    if (found == known_folders.end()) {
      continue;
    }
    auto& files = found->second->files;
    // Both are in byte order; the names are to be the listing's, which outlives the scan.
    std::size_t kept = 0;
    for (const auto& file : files) {
      if (kept < listed.names.size() && file.name == listed.names[kept].name) {
        files[kept] = {listed.names[kept].name, file.stat};
        ++kept;
      }
    }
    if (kept == listed.names.size()) {
      files.resize(kept);
      out.folders[i] = {listed.path, found->second->stat, std::move(files)};
      present[i] = 1;
    }
  }
}

/// Folders that hold nothing and are none in their own right are there only for files that are
/// gone; those above them that do hold something stay.
void drop_empty_folders(const Listing& listing, Scan& scan, const std::vector<char>& present) {
  std::vector<bool> needed(listing.folders.size());
  for (std::size_t i = listing.folders.size(); i-- > 0;) {
    const bool holds = !scan.folders[i].files.empty() || listing.folders[i].keep_if_empty;
    needed[i] = present[i] != 0 && (needed[i] || holds);
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
    } else if (present[i] != 0) {
      scan.hollow.push_back(std::move(scan.folders[i]));
    }
  }
  scan.folders.resize(kept);
}

bool is_git(std::string_view path) {
  return name_of(path) == ".git";
}

/// Whether the folder of that name is the same in two looks. A rename of it moves its ctime alone,
/// an entry that comes or goes its mtime as well.
bool same_folder(const ScannedFolder& left, const ScannedFolder& right) noexcept {
  return left.path == right.path && left.stat.inode == right.stat.inode &&
         left.stat.mode == right.stat.mode &&
         (left.stat.ctime == right.stat.ctime || left.stat.mtime != right.stat.mtime);
}

} // namespace

void visit_folders(const SourceDirs& dirs, const std::vector<std::string_view>& paths,
                   const std::function<std::size_t(std::size_t, const os::Dir*)>& visit) {
  // A listing holds every folder above one it names, so the rest is always a single name.
  constexpr std::size_t k_none = static_cast<std::size_t>(-1);
  std::vector<std::size_t> first_child(paths.size() + 1, k_none); // the last one: those in the top
  std::vector<std::size_t> next_sibling(paths.size(), k_none);
  std::vector<std::size_t> above(paths.size(), paths.size());
  std::vector<std::size_t> way; // to the present one
  for (std::size_t i = 0; i < paths.size(); ++i) {
    while (!way.empty() && !is_below(paths[i], paths[way.back()])) {
      way.pop_back();
    }
    if (!paths[i].empty()) {
      above[i] = way.empty() ? paths.size() : way.back();
      way.push_back(i);
    }
    next_sibling[i] = std::exchange(first_child[above[i]], i);
  }
  struct Task {
    std::shared_ptr<const std::optional<os::Dir>> parent;
    std::size_t index;
  };
  os::WorkQueue<Task> queue(os::k_adapt);
  const auto add_children = [&](std::optional<os::Dir>&& dir, std::size_t index) {
    if (first_child[index] != k_none) {
      const auto parent = std::make_shared<const std::optional<os::Dir>>(std::move(dir));
      for (std::size_t i = first_child[index]; i != k_none; i = next_sibling[i]) {
        queue.add({parent, i});
      }
    }
  };
  add_children(dirs.top.try_open_child("."), paths.size());
  queue.run([&](const Task& task) {
    const std::string_view path = paths[task.index];
    if (path.empty()) {
      return visit(task.index, &dirs.top);
    }
    auto dir = is_git(path)   ? open_below(dirs, path)
               : *task.parent ? (*task.parent)->try_begin_at(std::string(name_of(path)).c_str())
                              : std::nullopt;
    const std::size_t entries = visit(task.index, dir ? &*dir : nullptr);
    add_children(std::move(dir), task.index);
    return entries;
  });
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
    const bool same = same_folder(left, right) &&
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

Scan scan(const SourceDirs& dirs, const Listing& listing) {
  return scan(dirs, listing, {});
}

Scan scan(const SourceDirs& dirs, const Listing& listing, Scan known) {
  Scan out;
  out.folders.resize(listing.folders.size());
  std::vector<char> present(listing.folders.size()); // no vector<bool>: threads share its bytes
  take_known(listing, known, out, present);
  // What is left, and the folders on the way to it.
  std::vector<bool> wanted(listing.folders.size());
  for (std::size_t i = wanted.size(); i-- > 0;) {
    wanted[i] = wanted[i] || present[i] == 0;
    if (wanted[i] && i != 0) {
      wanted[listing.folders[i].parent] = true;
    }
  }
  std::vector<std::string_view> paths;
  std::vector<std::size_t> indices;
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i]) {
      paths.push_back(listing.folders[i].path);
      indices.push_back(i);
      count += present[i] == 0 ? listing.folders[i].names.size() : 0;
    }
  }
  os::Progress progress(os::format("looking at the files of {}", os::quoted(dirs.top.path())),
                        count);
  std::mutex mutex;
  visit_folders(dirs, paths, [&](std::size_t at, const os::Dir* folder) {
    const std::size_t i = indices[at];
    if (present[i] != 0) {
      return std::size_t{0};
    }
    LeftOut left_out;
    if (folder == nullptr) {
      left_out = count_missing(listing.folders[i]);
    } else {
      present[i] = 1;
      out.folders[i].path = listing.folders[i].path;
      out.folders[i].stat = folder->stat();
      left_out = scan_folder(*folder, listing.folders[i], out.folders[i]);
    }
    progress.count(listing.folders[i].names.size());
    const std::scoped_lock lock(mutex);
    out.left_out += left_out;
    return listing.folders[i].names.size();
  });
  drop_empty_folders(listing, out, present);
  return out;
}

} // namespace snapfix::source
