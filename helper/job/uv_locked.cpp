#include "job/uv_locked.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/subprocess.hpp"
#include "snapshot/difference.hpp"
#include "source/listing.hpp"
#include "uv/lock_check.hpp"

#include <algorithm>
#include <utility>

namespace snapfix::job {
namespace {

constexpr std::size_t k_most_diff_lines = 20;

std::string diff_of(const snapshot::Difference& found) {
  const auto side = [](const std::string& path) { return path.empty() ? "/dev/null" : path; };
  try {
    if (!found.after.empty() && !os::Dir::open(std::string(source::folder_of(found.after)))
                                     .stat_of(std::string(source::name_of(found.after)).c_str())
                                     .is_file()) {
      return {}; // a FIFO would be waited for
    }
    const auto said =
        os::run_program({"diff", "-u", "--label", found.path + " (of the source)", "--label",
                         found.path + " (in the snapshot)", side(found.before), side(found.after)},
                        os::environment_without_git(), "/");
    return indented(said.out, k_most_diff_lines);
  } catch (const os::Error&) {
    return {}; // no diff here; the finding stands
  }
}

/// How the locks that the snapshot holds differ from those of its base.
std::vector<snapshot::Difference> changed_locks(const snapshot::Snapshot& snapshot) {
  if (uv_projects_of(snapshot).empty()) {
    return {};
  }
  std::vector<std::string> paths;
  for (const auto& locked : uv_projects_of(snapshot)) {
    const auto more = locks_of(snapshot.base(), locked);
    paths.insert(paths.end(), more.begin(), more.end());
  }
  std::ranges::sort(paths);
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end()); // NOLINT: clang 14
  return snapshot::differences(snapshot, paths);
}

/// True if there are any.
bool print(const std::vector<snapshot::Difference>& found, const std::string& name) {
  for (const auto& difference : found) {
    const char* what = difference.change == snapshot::Change::added     ? "was newly made"
                       : difference.change == snapshot::Change::removed ? "was deleted"
                                                                        : "was changed";
    os::print_error(os::Error(os::format("{} {} in {}, which holds the lock of its source{}",
                                         os::quoted(difference.path), what, os::quoted(name),
                                         diff_of(difference))));
  }
  if (!found.empty()) {
    os::print_hint(
        "'uv lock', 'uv add' and the like change it: run them in the source, and commit the "
        "lock\nuv --no-locked and env -u UV_LOCKED change it as well: take them out of the test");
  }
  return !found.empty();
}

} // namespace

const std::vector<std::string>& uv_projects_of(const snapshot::Snapshot& snapshot) {
  return snapshot.meta().options.uv_locked;
}

snapshot::ChosenBase choose_checked_base(const snapshot::Root& root,
                                         const snapshot::CreateOptions& wanted,
                                         const LockOptions& options) {
  if (wanted.tree.uv_locked.empty() || options.is_done) {
    return snapshot::choose_base(root, wanted);
  }
  LockCheck locks(root, wanted, options);
  for (;;) {
    os::Hash id;
    {
      auto chosen = snapshot::choose_base(root, wanted);
      if (locks.has_passed(chosen.base)) {
        return chosen;
      }
      id = chosen.base.id();
    } // the check takes locks that come before that of the store
    locks.run(id);
  }
}

snapshot::Created create_checked(snapshot::Held& held, const snapshot::CreateOptions& wanted,
                                 const LockOptions& options) {
  for (;;) {
    auto chosen = choose_checked_base(held.root(), wanted, options);
    if (auto created = snapshot::create(held, wanted, std::move(chosen))) {
      return std::move(*created);
    }
  }
}

void check_locks(const snapshot::Snapshot& snapshot, const snapshot::CreateOptions& wanted,
                 const LockOptions& options) {
  if (wanted.tree.uv_locked.empty() || options.is_done) {
    return;
  }
  LockCheck locks(snapshot.root(), wanted, options);
  const auto* base = snapshot.find_base();
  if (base != nullptr && !locks.has_passed(*base)) {
    locks.run(base->id());
  }
}

void enforce_lock(os::Environment& environment, const std::string& snapshot,
                  const std::string& folder, Tell tell) {
  for (const auto& note : uv::enforce_lock(environment, snapshot, folder)) {
    if (tell == Tell::yes) {
      os::note(note);
    }
  }
}

void require_lock_kept(const std::vector<std::string>& command) {
  if (uv::undoes_lock(command)) {
    throw os::Error("--no-locked undoes UV_LOCKED=1: uv would write the lock anew",
                    "take it out; where it is meant for the command that uv runs, put -- before "
                    "that: uv run -- COMMAND --no-locked");
  }
}

bool print_changed_locks(const snapshot::Snapshot& snapshot) {
  std::vector<snapshot::Difference> found;
  try {
    found = changed_locks(snapshot);
  } catch (const os::Error&) {
    snapshot.require_standing();
    throw;
  }
  if (!found.empty()) {
    snapshot.require_standing();
  }
  return print(found, snapshot.name());
}

bool print_changed_locks(const snapshot::Held& held) {
  if (const auto* snapshot = held.snapshot()) {
    return print(changed_locks(*snapshot), held.name());
  }
  // One whose tree is gone: its lock is, too.
  auto manifest = snapshot::SnapshotManifest::load(held.root().snapshots(), held.folder());
  return manifest &&
         print(changed_locks(snapshot::Snapshot(held.root(), held.folder(), std::move(*manifest))),
               held.name());
}

} // namespace snapfix::job
