#include "snapshot/root.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/remove_tree.hpp"
#include "os/time_text.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdlib>

namespace snapfix::snapshot {
namespace {

namespace fs = boost::filesystem;

constexpr const char* k_inner = ".snapfix";
constexpr const char* k_ignore = ".gitignore";
constexpr const char* k_store_lock = "store";
constexpr std::string_view k_name_lock = "name.";

std::string name_lock(const std::string& folder) {
  return std::string(k_name_lock) + folder;
}

/// A name in the trash, which tells who put it there: `<folder>.<pid>.<time>`.
std::string trash_name(const std::string& folder) {
  const os::Time now = os::now();
  return os::format("{}.{}.{}-{}", folder, os::this_process(), now.seconds, now.nanoseconds);
}

/// Whether the process that put it into the trash still lives, and so removes it itself.
bool is_being_removed(const std::string& trash_name) {
  const auto time = trash_name.rfind('.');
  const auto pid = time == std::string::npos ? time : trash_name.rfind('.', time - 1);
  if (pid == std::string::npos) {
    return false;
  }
  const auto owner = static_cast<pid_t>(std::strtol(&trash_name[pid + 1], nullptr, 10));
  return owner != os::this_process() && os::identify(owner).has_value();
}

void move_tree(const os::Dir& from, const std::string& name, const os::Dir& to,
               const std::string& new_name) {
  try {
    from.rename(name.c_str(), to, new_name.c_str());
  } catch (const os::Error& error) {
    // Moving a folder writes its `..`: one without write permission refuses.
    const auto stat = error.error_number() == EACCES ? from.try_stat(name.c_str()) : std::nullopt;
    if (!stat || !stat->is_folder() || !os::open_up(from, name.c_str())) {
      throw;
    }
    try {
      from.rename(name.c_str(), to, new_name.c_str());
    } catch (const os::Error&) { // it was something else: the folder stays as it is
      from.set_permissions(name.c_str(), stat->permissions());
      throw;
    }
    to.set_permissions(new_name.c_str(), stat->permissions());
  }
}

os::Dir open_own(const std::string& path) {
  os::Dir top = os::Dir::open(path);
  const auto owner = top.stat().owner;
  if (owner != os::effective_user()) {
    throw os::Error(os::format("the root {} belongs to another user (uid {}; you are {})",
                               os::quoted(path), owner, os::effective_user()),
                    "choose another one with --root or SNAPFIX_ROOT");
  }
  return top;
}

} // namespace

std::string canonical_path(const std::string& path) {
  boost::system::error_code failed;
  const fs::path out = fs::canonical(path, failed);
  if (failed) {
    throw os::Error("find", {path}, failed.value());
  }
  return out.string();
}

// The inner folders may lie elsewhere (a symlink, a mount): they are ours, so links are followed.
Root::Root(os::Dir top) : m_path(canonical_path(top.path())), m_top(std::move(top)) {
  const auto inner = [&](const char* name) {
    if (auto standing = m_inner.try_open_child(name)) {
      return std::move(*standing);
    }
    const auto path = fs::path(m_path) / k_inner / name;
    boost::system::error_code failed;
    fs::create_directory(path, failed);
    if (failed) {
      throw os::Error("make the folder", {path.string()}, failed.value());
    }
    return os::Dir::open(path.string());
  };
  // Objects keep the modes of the source's files, but lie outside the folders that may protect
  // them.
  m_inner = m_top.ensure_child(k_inner, 0700);
  m_objects = inner("objects");
  m_bases = inner("bases");
  m_sources = inner("sources");
  m_snapshots = inner("snapshots");
  m_runs = inner("runs");
  m_frozen = inner("frozen");
  m_checks = inner("checks");
  m_locks = inner("locks");
  m_work = inner("work");
  m_trash = inner("trash");
}

Root Root::open_or_make(const std::string& path) {
  boost::system::error_code failed;
  fs::create_directories(path, failed);
  if (failed) {
    throw os::Error("make the root", {path}, failed.value(),
                    "choose another one with --root or SNAPFIX_ROOT");
  }
  os::Dir top = open_own(path);
  // Written first: git must not see a root's folders as untracked files, not even for a moment.
  const auto ignore = top.try_stat(k_ignore);
  if (!ignore || ignore->size == 0) {
    os::write_file(top, k_ignore, "/*\n");
  }
  return Root(std::move(top));
}

Root Root::open(const std::string& path) {
  if (!exists(path)) {
    throw os::Error(os::format("there are no snapshots in {}", os::quoted(path)),
                    "name the root with --root or SNAPFIX_ROOT; 'snapfix create NAME' makes one");
  }
  return Root(open_own(path));
}

bool Root::exists(const std::string& path) {
  boost::system::error_code failed;
  const auto status = fs::status(fs::path(path) / k_inner, failed);
  if (status.type() == fs::status_error) {
    throw os::Error("look into the root", {path}, failed.value());
  }
  return fs::is_directory(status);
}

os::Lock Root::lock_name(const std::string& folder, const std::string& purpose,
                         os::Patience patience) const {
  return os::Lock::acquire(m_locks, name_lock(folder), purpose, os::LockMode::exclusive, patience);
}

std::optional<os::Lock> Root::try_lock_name(const std::string& folder) const {
  return os::Lock::try_acquire(m_locks, name_lock(folder), "snapfix, clearing up");
}

os::Lock Root::lock_store(os::LockMode mode, const std::string& purpose) const {
  return os::Lock::acquire(m_locks, k_store_lock, purpose, mode);
}

std::optional<os::Lock> Root::try_lock_store() const {
  return os::Lock::try_acquire(m_locks, k_store_lock, "snapfix, clearing up the store");
}

os::Lock Root::lock_source(const os::Hash& source) const {
  return os::Lock::acquire(m_locks, "source." + source.hex(), "a freeze of the same source");
}

std::vector<std::string> Root::snapshot_folders() const {
  std::vector<std::string> out;
  for (const auto& entry : m_snapshots.entries()) {
    if (!entry.name.starts_with('.')) { // half-written ones
      out.push_back(entry.name);
    }
  }
  std::ranges::sort(out);
  return out;
}

std::set<std::string> Root::recorded_folders() const {
  std::set<std::string> out;
  for (const auto& folder : snapshot_folders()) {
    out.insert(folder);
  }
  for (const auto& entry : m_locks.entries()) {
    if (entry.name.starts_with(k_name_lock)) {
      out.insert(entry.name.substr(k_name_lock.size()));
    }
  }
  return out;
}

void Root::remove_lock_file(const std::string& folder, const os::Lock& held) const {
  held.remove_file(m_locks, name_lock(folder));
}

std::optional<std::string> Root::discard_tree(const std::string& folder) const {
  if (!m_top.try_stat(folder.c_str())) {
    return std::nullopt;
  }
  std::string name = trash_name(folder);
  move_tree(m_top, folder, m_trash, name);
  return name;
}

void Root::restore_tree(const std::string& folder, const std::string& discarded) const {
  move_tree(m_trash, discarded, m_top, folder);
}

void Root::take_tree(const std::string& folder) const {
  move_tree(m_top, folder, m_work, folder);
}

void Root::publish_tree(const std::string& folder) const {
  move_tree(m_work, folder, m_top, folder);
}

void Root::discard_work(const std::string& folder) const {
  if (m_work.try_stat(folder.c_str())) {
    move_tree(m_work, folder, m_trash, trash_name(folder));
  }
}

void Root::forget(const std::string& folder) const {
  m_snapshots.unlink_if_present(folder.c_str());
  m_runs.unlink_if_present(folder.c_str());
}

std::vector<std::string> Root::clear_debris() const {
  std::vector<std::string> left;
  // What fails here is no failure of whoever clears up: it has done its own work.
  const auto for_each = [&left](const os::Dir& dir, const auto& clear) {
    try {
      for (const auto& entry : dir.entries()) {
        for (auto& more : clear(entry.name)) {
          left.push_back(std::move(more));
        }
      }
    } catch (const os::Error& error) {
      left.emplace_back(error.what());
    }
  };
  for_each(m_work, [this](const std::string& name) {
    // Work is named by the snapshot it is for: whoever holds that name's lock owns it.
    const auto lock = try_lock_name(name);
    auto stays = lock ? os::remove_tree(m_work, name.c_str()) : std::vector<std::string>();
    if (lock && !m_top.try_stat(name.c_str()) && !m_snapshots.try_stat(name.c_str())) {
      remove_lock_file(name, *lock);
    }
    return stays;
  });
  for_each(m_trash, [this](const std::string& name) {
    return is_being_removed(name) ? std::vector<std::string>()
                                  : os::remove_tree(m_trash, name.c_str());
  });
  return left;
}

} // namespace snapfix::snapshot
