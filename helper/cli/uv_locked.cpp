#include "cli/uv_locked.hpp"

#include "cli/lock_check.hpp"
#include "cli/report.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/subprocess.hpp"
#include "snapshot/difference.hpp"
#include "snapshot/find.hpp"
#include "snapshot/name.hpp"
#include "source/glob.hpp"
#include "source/listing.hpp"
#include "uv/lock_check.hpp"

#include <algorithm>

namespace snapfix::cli {
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
std::vector<snapshot::Difference> changed_locks(const snapshot::Root& root,
                                                const std::string& folder,
                                                const snapshot::SnapshotManifest& manifest) {
  if (uv_projects_of(manifest).empty()) {
    return {};
  }
  const auto base = snapshot::base_of(root, manifest);
  std::vector<std::string> paths;
  for (const auto& locked : uv_projects_of(manifest)) {
    const auto more = locks_of(base, locked);
    paths.insert(paths.end(), more.begin(), more.end());
  }
  std::ranges::sort(paths);
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end()); // NOLINT: clang 14
  return snapshot::differences(root, folder, manifest, base, paths);
}

/// True if there are any.
bool print(const std::vector<snapshot::Difference>& found, const std::string& name) {
  for (const auto& difference : found) {
    const char* what = difference.change == snapshot::Change::added     ? "was newly made"
                       : difference.change == snapshot::Change::removed ? "was deleted"
                                                                        : "was changed";
    print_error(os::Error(os::format("{} {} in {}, which holds the lock of its source{}",
                                     os::quoted(difference.path), what, os::quoted(name),
                                     diff_of(difference))));
  }
  if (!found.empty()) {
    print_hint(
        "'uv lock', 'uv add' and the like change it: run them in the source, and commit the "
        "lock\nuv --no-locked and env -u UV_LOCKED change it as well: take them out of the test");
  }
  return !found.empty();
}

} // namespace

void add_uv_options(Arguments& arguments) {
  arguments.add_list("uv-locked", "PROJECT",
                     "hold the lock of the uv project in this folder of the source, or of this "
                     "script: it must be up to date, the command cannot change it unseen, and "
                     "UV_LOCKED=1 is set");
  arguments.add_value("uv", "PROGRAM", "the uv that checks the lock; default: that of PATH");
}

std::vector<std::string> uv_projects_from(const Arguments& arguments, const std::string& source) {
  std::vector<std::string> out;
  for (const auto& given : arguments.list("uv-locked")) {
    std::string path = given;
    if (path.starts_with('/') && os::exists(path)) { // the source may have been reached by a link
      path = os::canonical_path(path);
    }
    if ((path + "/").starts_with(source + "/")) {
      path = path.substr(std::min(path.size(), source.size() + 1));
    }
    const auto components = source::split_path(path);
    if (path.starts_with('/') || std::ranges::find(components, "..") != components.end()) {
      arguments.fail(os::format("--uv-locked {} lies outside the source", os::quoted(given)),
                     "name a folder relative to the source, . for its top");
    }
    std::string project;
    for (const auto component : components) {
      if (component != "." && !component.empty()) {
        project += project.empty() ? "" : "/";
        project += component;
      }
    }
    if (std::ranges::find(out, project) == out.end()) {
      out.push_back(project);
    }
  }
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> uv_projects_of(const snapshot::SnapshotManifest& manifest) {
  return manifest.meta.options.uv_locked;
}

snapshot::Created create_checked(const Arguments& arguments, const snapshot::Root& root,
                                 snapshot::CreateOptions wanted, pid_t parent) {
  if (wanted.tree.uv_locked.empty()) {
    return snapshot::create(root, wanted);
  }
  const auto pristine = wanted;
  LockCheck locks(arguments, root, pristine, parent);
  wanted.is_checked = [&](const snapshot::Base& base) { return locks.has_passed(base); };
  for (;;) {
    try {
      return snapshot::create(root, wanted);
    } catch (const snapshot::Unchecked& unchecked) {
      locks.run(unchecked.base);
    }
  }
}

void check_locks(const Arguments& arguments, const snapshot::Root& root,
                 const snapshot::CreateOptions& wanted, const os::Hash& base, pid_t parent) {
  if (wanted.tree.uv_locked.empty()) {
    return;
  }
  LockCheck locks(arguments, root, wanted, parent);
  const auto loaded = snapshot::Base::load(root.bases(), base);
  if (loaded && !locks.has_passed(*loaded)) {
    locks.run(base);
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

bool print_changed_locks(const snapshot::Root& root, const std::string& name) {
  const std::string folder = snapshot::folder_of_name(name);
  const snapshot::Standing standing(root, folder);
  // Also of one whose tree is gone: its lock is, too.
  const auto manifest = snapshot::SnapshotManifest::load(root.snapshots(), folder);
  if (!manifest) {
    return false;
  }
  std::vector<snapshot::Difference> found;
  try {
    found = changed_locks(root, folder, *manifest);
  } catch (const os::Error&) {
    standing.require_same();
    throw;
  }
  if (!found.empty()) {
    standing.require_same();
  }
  return print(found, name);
}

bool print_changed_locks(const snapshot::Root& root, const std::string& name,
                         const snapshot::SnapshotManifest& manifest) {
  return print(changed_locks(root, snapshot::folder_of_name(name), manifest), name);
}

} // namespace snapfix::cli
