#include "snapshot/root.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/process.hpp"
#include "os/progress.hpp"
#include "os/remove_tree.hpp"
#include "os/time_text.hpp"
#include "snapshot/hold.hpp"
#include "snapshot/own_folder.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <cerrno>
#include <span>
#include <string_view>

namespace snapfix::snapshot {
namespace {

namespace fs = boost::filesystem;

constexpr const char* k_inner = ".snapfix";
constexpr const char* k_store_lock = "store";
constexpr const char* k_trash_lock = "trash";
constexpr std::string_view k_name_lock = "name.";

std::string name_lock(const std::string& folder) {
  return std::string(k_name_lock) + folder;
}

constexpr std::uint32_t k_others_enter = 011;
constexpr std::uint32_t k_any_mode = 0;
constexpr std::uint32_t k_ignore_mode = 0666; ///< less the umask
constexpr int k_ignore_tries = 10;

/// Has git pass by the root; before there is anything in it, as git must not see that for a moment.
/// Always into a new file: others may be able to write to the root, and what they put there is not
/// written to. Under its own name at once: nobody would clear up a temporary file of a killed
/// process.
void write_ignore(const os::Dir& top) {
  for (int i = 0; i < k_ignore_tries; ++i) {
    const auto ignore = top.try_stat(k_ignore);
    if (ignore && (!ignore->is_file() || ignore->size != 0)) {
      return;
    }
    if (ignore) {
      top.unlink_if_present(k_ignore); // it was cut short
    }
    try {
      const auto fd = top.create_file(k_ignore, k_ignore_mode);
      os::write_all(fd.get(), std::as_bytes(std::span(std::string_view("/*\n"))),
                    top.path_of(k_ignore));
      return;
    } catch (const os::Error& error) {
      if (error.error_number() != EEXIST) {
        throw;
      }
    }
  }
}

/// A name in the trash that nothing else has.
std::string trash_name(const std::string& folder) {
  const os::Time now = os::now();
  return os::format("{}.{}.{}-{}", folder, os::this_process(), now.seconds, now.nanoseconds);
}

/// A folder in `.snapfix`. It may lie elsewhere: a symlink that is ours is followed.
os::Dir open_in_inner(const os::Dir& inner, const char* name, std::uint32_t forbidden, bool makes) {
  auto out = inner.try_open_child(name);
  if (!out) {
    const auto stat = inner.try_stat(name);
    const bool is_own_link = stat && stat->is_symlink() && stat->owner == os::effective_user();
    out = is_own_link ? inner.follow_child(name)
          : makes     ? ensure_ours(inner, name)
                      : inner.open_child(name);
    forbidden = is_own_link ? k_others_write : forbidden;
  }
  require_ours(*out, forbidden);
  return std::move(*out);
}

void move_tree(const os::Dir& from, const std::string& name, const os::Dir& to,
               const std::string& new_name) {
  try {
    from.rename(name.c_str(), to, new_name.c_str());
  } catch (const os::Error& error) {
    if (error.error_number() == EBUSY) {
      throw os::Error("rename", {from.path_of(name.c_str()), to.path_of(new_name.c_str())}, EBUSY,
                      "something is mounted there: unmount it");
    }
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

} // namespace

Root::Root(os::Dir top, Missing missing)
    : m_path(os::canonical_path(top.path())), m_top(std::move(top)) {
  const auto stat = m_top.stat();
  m_owner = stat.owner;
  m_others_write = (stat.mode & k_others_write) != 0;
  // Objects keep the modes of the source's files, but lie outside the folders that may protect
  // them.
  const bool makes = missing == Missing::make;
  m_inner = makes ? ensure_ours(m_top, k_inner) : m_top.open_child(k_inner);
  require_ours(m_inner, k_others_write);
  // What nobody else can enter may have any mode.
  const bool is_closed = (m_inner.stat().mode & k_others_enter) == 0;
  const auto inner = [&](const char* name) {
    return open_in_inner(m_inner, name, is_closed ? k_any_mode : k_others_write, makes);
  };
  m_objects = inner("objects");
  m_bases = inner("bases");
  m_sources = inner("sources");
  m_git = inner("git");
  m_snapshots = inner("snapshots");
  m_runs = inner("runs");
  m_holds = inner("holds");
  m_frozen = inner("frozen");
  m_checks = inner("checks");
  m_locks = inner("locks");
  m_work = inner("work");
  m_spares = inner("spares");
  m_trash = inner("trash");
}

Root Root::open_or_make(const std::string& path) {
  boost::system::error_code failed;
  fs::create_directories(path, failed);
  if (failed) {
    throw os::Error("make the root", {path}, failed.value(), k_another_root);
  }
  os::Dir top = open_own(path);
  write_ignore(top);
  return {std::move(top), Missing::make};
}

Root Root::open(const std::string& path) {
  if (!exists(path)) {
    throw os::Error(os::format("there are no snapshots in {}", os::quoted(path)),
                    "name the root with --root or SNAPFIX_ROOT; 'snapfix create NAME' makes one");
  }
  return {open_own(path), Missing::make};
}

bool Root::exists(const std::string& path) {
  boost::system::error_code failed;
  const auto status = fs::status(fs::path(path) / k_inner, failed);
  if (status.type() == fs::status_error) {
    throw os::Error("look into the root", {path}, failed.value());
  }
  return status.type() == fs::directory_file;
}

std::optional<Root> Root::try_open(os::Dir top) {
  if (!top.try_stat(k_inner)) {
    return std::nullopt;
  }
  return Root(std::move(top), Missing::fail);
}

os::Dir Root::make_inner(const char* name) const {
  return ensure_ours(m_inner, name);
}

os::Lock Root::lock_name(const std::string& folder, const std::string& purpose,
                         os::Patience patience) const {
  return os::Lock::acquire(m_locks, name_lock(folder), purpose, os::LockMode::exclusive, patience,
                           path() + "/" + folder);
}

std::optional<os::Lock> Root::try_lock_name(const std::string& folder, const std::string& purpose,
                                            os::LockMode mode) const {
  return os::Lock::try_acquire(m_locks, name_lock(folder), purpose, mode);
}

bool Root::is_name_locked(const std::string& folder) const {
  return os::Lock::is_held(m_locks, name_lock(folder));
}

os::Lock Root::lock_store(os::LockMode mode, const std::string& purpose) const {
  return os::Lock::acquire(m_locks, k_store_lock, purpose, mode);
}

std::optional<os::Lock> Root::try_lock_store() const {
  return os::Lock::try_acquire(m_locks, k_store_lock, "snapfix, clearing up the store");
}

os::Lock Root::lock_trash() const {
  return os::Lock::acquire(m_locks, k_trash_lock, "snapfix, replacing a tree",
                           os::LockMode::shared);
}

std::optional<os::Lock> Root::try_lock_trash(os::LockMode mode) const {
  return os::Lock::try_acquire(m_locks, k_trash_lock, "snapfix, removing", mode);
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

bool Root::is_foreign(const os::Stat& tree) const noexcept {
  return m_others_write && tree.owner != m_owner;
}

std::optional<os::Stat> Root::stat_of_tree(const std::string& folder) const {
  const auto out = m_top.try_stat(folder.c_str());
  if (out && is_foreign(*out)) {
    throw os::Error(os::format("{} belongs to another user (uid {}), who may have put it there: "
                               "nothing of it is touched",
                               os::quoted(m_path + "/" + folder), out->owner),
                    os::format("let nobody else write to the root (chmod go-w {}), or {}", m_path,
                               k_another_root));
  }
  return out;
}

std::optional<std::string> Root::discard_tree(const std::string& folder) const {
  if (!stat_of_tree(folder)) {
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

void Root::take_spare(const std::string& spare, const std::string& folder) const {
  move_tree(m_spares, spare, m_work, folder);
}

void Root::put_spare(const std::string& folder, const std::string& spare) const {
  move_tree(m_work, folder, m_spares, spare);
}

std::string Root::discard_spare(const std::string& spare) const {
  std::string name = trash_name(spare);
  move_tree(m_spares, spare, m_trash, name);
  return name;
}

void Root::discard_work(const std::string& folder) const {
  if (m_work.try_stat(folder.c_str())) {
    move_tree(m_work, folder, m_trash, trash_name(folder));
  }
}

void Root::forget(const std::string& folder) const {
  m_snapshots.unlink_if_present(folder.c_str());
  m_runs.unlink_if_present(folder.c_str());
  release(*this, folder, {});
}

std::vector<std::string> Root::clear_debris() const {
  std::vector<std::string> left;
  // What fails here is no failure of whoever clears up: it has done its own work.
  const auto attempt = [&left](const auto& clear) {
    try {
      clear();
    } catch (const os::Error& error) {
      left.emplace_back(error.what());
    }
  };
  os::Progress progress("removing what was left behind", 0);
  const auto remove = [&](const os::Dir& dir, const std::string& name) {
    auto stays = os::remove_tree(dir, name.c_str(), &progress);
    left.insert(left.end(), stays.begin(), stays.end());
    return stays.empty();
  };
  attempt([&] {
    for (const auto& entry : m_work.entries()) {
      // Work is named by the snapshot it is for: whoever holds that name's lock owns it.
      if (const auto lock = try_lock_name(entry.name)) {
        remove(m_work, entry.name);
        if (!m_top.try_stat(entry.name.c_str()) && !m_snapshots.try_stat(entry.name.c_str())) {
          remove_lock_file(entry.name, *lock);
        }
      }
    }
  });
  std::set<std::string> stays;
  const auto rest = [&] {
    auto out = m_trash.entries();
    std::erase_if(out, [&](const os::DirEntry& entry) { return stays.contains(entry.name); });
    return out;
  };
  attempt([&] {
    // Looked at again without the lock: who was refused it meanwhile relies on us.
    for (auto entries = rest(); !entries.empty(); entries = rest()) {
      const auto lock = try_lock_trash(os::LockMode::exclusive);
      if (!lock) {
        break;
      }
      for (const auto& entry : entries) {
        if (!remove(m_trash, entry.name)) {
          stays.insert(entry.name);
        }
      }
    }
  });
  return left;
}

} // namespace snapfix::snapshot
