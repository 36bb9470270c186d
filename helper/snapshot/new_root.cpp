#include "snapshot/new_root.hpp"

#include "os/error.hpp"
#include "os/folder_lock.hpp"
#include "os/remove_tree.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <cerrno>

namespace snapfix::snapshot {
namespace {

namespace fs = boost::filesystem;

constexpr int k_tries = 10;

/// The uppermost folder of a path that is missing; empty if none is.
fs::path first_missing(const std::string& path) {
  boost::system::error_code failed;
  fs::path out;
  for (fs::path here = path; !here.empty() && !fs::exists(here, failed);
       here = here.parent_path()) {
    out = here;
  }
  return out;
}

/// Takes away a root that was made just now; `made` is the uppermost folder that was made for it.
void remove_new_root(const Root& root, const fs::path& made) {
  if (!os::take_folder(root.top()) || !root.snapshot_folders().empty()) {
    return;
  }
  for (const auto& entry : root.locks().entries()) { // of prune and the like
    if (!os::Lock::try_acquire(root.locks(), entry.name, "snapfix, removing the root")) {
      return;
    }
  }
  os::remove_tree(root.top(), ".snapfix");
  root.top().unlink_if_present(k_ignore);
  boost::system::error_code failed;
  for (fs::path here = root.path(); fs::remove(here, failed) && here != made;
       here = here.parent_path()) {
  }
}

/// Whether nobody has removed the root, or a part of it, while it was opened.
bool is_whole(const Root& root) {
  const auto parts = {&root.top(),       &root.objects(), &root.bases(),  &root.sources(),
                      &root.snapshots(), &root.runs(),    &root.frozen(), &root.checks(),
                      &root.locks(),     &root.work(),    &root.trash()};
  return root.top().try_stat(k_ignore) && std::ranges::all_of(parts, [](const os::Dir* dir) {
           return os::stat_of(dir->fd(), dir->path(), os::Freshness::cached).links != 0;
         });
}

/// The root, in which others who fail leave us alone from now on.
Root share_root(const std::string& path) {
  for (int tries_left = k_tries;; --tries_left) {
    try {
      auto root = Root::open_or_make(path);
      os::share_folder(root.top());
      if (tries_left == 0 || is_whole(root)) {
        return root;
      }
    } catch (const os::Error& error) {
      const bool may_be_removed = error.error_number() == ENOENT || error.error_number() == ESTALE;
      if (!may_be_removed || tries_left == 0) {
        throw;
      }
    }
  }
}

} // namespace

void in_root(const std::string& path, const std::function<void(const Root&)>& work) {
  const fs::path made = first_missing(path);
  const auto root = share_root(path);
  try {
    work(root);
  } catch (...) {
    if (!made.empty()) {
      try {
        remove_new_root(root, made);
      } catch (const os::Error&) { // what failed first is what counts
      }
    }
    throw;
  }
}

} // namespace snapfix::snapshot
