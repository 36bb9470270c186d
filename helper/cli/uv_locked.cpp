#include "cli/uv_locked.hpp"

#include "cli/guarded_run.hpp"
#include "cli/report.hpp"
#include "cli/tree_arguments.hpp"
#include "guard/guarded_command.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/subprocess.hpp"
#include "snapshot/difference.hpp"
#include "snapshot/find.hpp"
#include "snapshot/manage.hpp"
#include "snapshot/name.hpp"
#include "snapshot/run_record.hpp"
#include "source/glob.hpp"
#include "uv/lock_check.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <sstream>

namespace snapfix::cli {
namespace {

namespace fs = boost::filesystem;

constexpr std::size_t k_most_diff_lines = 20;

std::string below(const std::string& folder, const char* name) {
  return folder.empty() ? name : folder + "/" + name;
}

std::string shown(const std::string& project) {
  return project.empty() ? "." : project;
}

std::vector<std::string> locks_of(const std::string& project) {
  std::vector<std::string> out;
  for (const auto& folder : uv::lock_folders(project)) {
    out.push_back(below(folder, "uv.lock"));
  }
  return out;
}

std::string indented(const std::string& text, std::size_t most) {
  std::istringstream lines(text);
  std::string out;
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    if (count < most) {
      out += "\n    " + line;
    }
  }
  return count > most ? out + os::format("\n    ... and {} lines more", count - most) : out;
}

/// `uv lock --check` for the projects of one snapshot.
class LockCheck {
public:
  LockCheck(const Arguments& arguments, const snapshot::Root& root,
            const snapshot::CreateOptions& wanted, pid_t parent)
      : m_root(root), m_wanted(wanted), m_uv(uv::find(arguments.value("uv").value_or(""))),
        m_patience(patience_from(arguments)), m_parent(parent),
        m_environment(uv::check_environment(os::environment_without_git())),
        m_surroundings(uv::surroundings_of_check(m_uv, m_environment, root.path())) {}

  /// Whether it is known of the base that all locks fit.
  bool has_passed(const snapshot::Base& base) const;

  /// Finds out, for those of which it is not known.
  void run(const os::Hash& base_id) const;

private:
  std::string mark(const os::Hash& base, const std::string& project) const;
  void require_lock(const snapshot::Base& base, const std::string& project) const;
  void check(const os::Hash& base, const std::string& project) const;
  void check_in(const std::string& name, const os::Hash& base, const std::string& project) const;
  void judge(const guard::CommandEnd& end, const std::string& project,
             const std::string& output) const;

  const snapshot::Root& m_root;
  const snapshot::CreateOptions& m_wanted;
  std::string m_uv;
  os::Patience m_patience;
  pid_t m_parent;
  std::vector<std::string> m_environment;
  os::Hash m_surroundings;
};

std::string LockCheck::mark(const os::Hash& base, const std::string& project) const {
  std::string rests_on = m_surroundings.hex() + " uv lock " + project;
  for (const auto& pattern : m_wanted.tree.exclude.patterns()) {
    rests_on += '\0' + pattern; // what is left out may be a part of the project
  }
  return base.hex() + "." + os::hash_of(rests_on).hex();
}

bool LockCheck::has_passed(const snapshot::Base& base) const {
  return std::ranges::all_of(m_wanted.tree.uv_locked, [&](const std::string& project) {
    return m_root.checks().try_stat(mark(base.id(), project).c_str()).has_value();
  });
}

void LockCheck::run(const os::Hash& base_id) const {
  const auto base = snapshot::Base::load(m_root.bases(), base_id);
  if (!base) {
    return; // the source has changed, and nothing was made of that state: there is another now
  }
  for (const auto& project : m_wanted.tree.uv_locked) {
    require_lock(*base, project);
    check(base_id, project);
  }
}

/// Says early, and in words of ours, what uv would say of a file that the snapshot lacks.
void LockCheck::require_lock(const snapshot::Base& base, const std::string& project) const {
  const auto holds = [&](const std::string& path) {
    return base.find(path) && !m_wanted.tree.exclude.matches(path);
  };
  const std::string what = below(project, "pyproject.toml");
  if (!holds(what)) {
    throw os::Error(os::format("--uv-locked {}: the snapshot would have no {}",
                               os::quoted(shown(project)), os::quoted(what)),
                    "does git track it, or does --exclude leave it out? --include takes ignored "
                    "files as well");
  }
  const auto locks = locks_of(project);
  const auto lock = std::ranges::find_if(locks, holds);
  if (lock == locks.end()) {
    const fs::path source = m_wanted.selection.source;
    const bool is_there = std::ranges::any_of(
        locks, [&](const std::string& path) { return os::exists((source / path).string()); });
    throw os::Error(
        os::format("--uv-locked {}: the snapshot would have no uv.lock in that folder or above it",
                   os::quoted(shown(project))),
        is_there
            ? "the source has one: does git track it, or does --exclude leave it out?"
            : os::format("run `uv lock` in {}, and commit uv.lock", (source / project).string()));
  }
  if (base.files()[*base.find(*lock)].is_symlink()) {
    throw os::Error(
        os::format("{} is a symlink: uv would write to what it leads to", os::quoted(*lock)),
        "put the lock itself in its place");
  }
}

/// One at a time for each project: who comes second finds the first one's mark.
void LockCheck::check(const os::Hash& base, const std::string& project) const {
  const std::string name =
      os::format("{}{}", snapshot::k_scratch_prefix,
                 os::hash_of(m_wanted.selection.source + "\n" + project).hex());
  const std::string folder = snapshot::folder_of_name(name);
  const auto lock = m_root.lock_name(folder, "snapfix: uv lock --check", m_patience);
  if (m_root.checks().try_stat(mark(base, project).c_str())) {
    return;
  }
  const auto clear = [&] {
    snapshot::finish(m_root, name, lock, snapshot::Keep::never, {}, print_findings);
  };
  try {
    check_in(name, base, project);
  } catch (...) {
    try {
      clear();
    } catch (const os::Error&) { // prune takes it; what failed first is what is to be told
    }
    throw;
  }
  // First the mark: with the scratch snapshot goes the file of its lock, and the next one's turn
  // comes.
  os::write_file(m_root.checks(), mark(base, project).c_str(), "");
  clear();
}

void LockCheck::check_in(const std::string& name, const os::Hash& base,
                         const std::string& project) const {
  snapshot::CreateOptions scratch = m_wanted;
  scratch.name = name;
  scratch.base = {base.hex(), false};
  scratch.existing = snapshot::Existing::refresh;
  scratch.is_checked = nullptr;
  if (!guard::probe_guard().works) { // build backends write into the tree
    scratch.tree.link_mode = snapshot::LinkMode::copy;
  }
  const auto created = snapshot::create(m_root, scratch);
  const std::string folder = snapshot::folder_of_name(name);
  const auto manifest = snapshot::find_snapshot(m_root, folder);
  if (!manifest) {
    throw os::Error(os::format("the snapshot {} vanished", os::quoted(name)));
  }
  guard::Command command;
  command.arguments = uv::check_command(m_uv);
  command.environment = m_environment;
  command.folder = (fs::path(created.path) / project).string();
  std::erase_if(command.environment,
                [](const std::string& variable) { return variable.starts_with("PWD="); });
  command.environment.push_back("PWD=" + command.folder);
  add_git_ceiling(command.environment, created.path); // as the test will see it
  command.parent = m_parent;
  const auto output = os::make_memory_file();
  command.output = output.get();
  nlohmann::json record{{"command", command.arguments}, {"guard", guard_before(Guard::automatic)}};
  snapshot::write_run(m_root, folder, record);
  try {
    const auto end = run_in_tree(m_root, folder, *manifest, command, Guard::automatic, record);
    judge(end, project, os::text_of(output.get(), "the output of uv"));
  } catch (const guard::CannotStart& failure) {
    throw os::Error("run", {m_uv}, failure.error_number);
  }
}

void LockCheck::judge(const guard::CommandEnd& end, const std::string& project,
                      const std::string& output) const {
  constexpr std::size_t k_most_lines = 60;
  const auto words = "; uv says:" + indented(output, k_most_lines);
  const std::string place = (fs::path(m_wanted.selection.source) / project).string();
  if (end.signal != 0) {
    throw os::Error(os::format("`uv lock --check` for {} was killed by signal {}{}",
                               os::quoted(shown(project)), end.signal, words));
  }
  switch (uv::judge_check(end.exit_code, output)) {
  case uv::Verdict::current:
    return;
  case uv::Verdict::stale:
    throw os::Error(os::format("the uv.lock of {} is stale{}", os::quoted(shown(project)), words),
                    os::format("run `uv lock` in {}, and commit uv.lock", place));
  case uv::Verdict::missing:
    throw os::Error(os::format("uv finds no lock of {}{}", os::quoted(shown(project)), words),
                    os::format("the uv.lock in a folder above is not its own: make it a member "
                               "of that workspace, or run `uv lock` in {}, and commit uv.lock",
                               place));
  case uv::Verdict::failed:
    throw os::Error(os::format("`uv lock --check` for {} failed with exit code {}, and so it is "
                               "not known whether the lock fits{}",
                               os::quoted(shown(project)), end.exit_code, words),
                    os::format("see what uv needs; it ran as in {}, in a copy of it", place));
  }
}

std::string diff_of(const snapshot::Difference& found) {
  boost::system::error_code failed;
  if (!found.after.empty() && fs::symlink_status(found.after, failed).type() != fs::regular_file) {
    return {}; // a FIFO would be waited for
  }
  const auto side = [](const std::string& path) { return path.empty() ? "/dev/null" : path; };
  try {
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
  std::vector<std::string> paths;
  for (const auto& project : uv_projects_of(manifest)) {
    const auto more = locks_of(project);
    paths.insert(paths.end(), more.begin(), more.end());
  }
  std::ranges::sort(paths);
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end()); // NOLINT: clang 14
  return paths.empty() ? std::vector<snapshot::Difference>()
                       : snapshot::differences(root, folder, manifest, paths);
}

/// True if there are any.
bool print(const std::vector<snapshot::Difference>& found, const std::string& name) {
  for (const auto& difference : found) {
    const char* what = difference.change == snapshot::Change::added     ? "was newly made"
                       : difference.change == snapshot::Change::removed ? "was deleted"
                                                                        : "was changed";
    os::print(stderr, "snapfix: error: {} {} in {}, which holds the lock of its source{}\n",
              os::quoted(difference.path), what, os::quoted(name), diff_of(difference));
  }
  if (!found.empty()) {
    os::print(stderr, "hint: 'uv lock', 'uv add' and the like change it: run them in the source, "
                      "and commit uv.lock\n");
  }
  return !found.empty();
}

} // namespace

void add_uv_options(Arguments& arguments) {
  arguments.add_list("uv-locked", "PROJECT",
                     "hold the lock of the uv project in this folder of the source: it must be up "
                     "to date, the command cannot change it unseen, and UV_LOCKED=1 is set");
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
  const LockCheck locks(arguments, root, pristine, parent);
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
  const LockCheck locks(arguments, root, wanted, parent);
  const auto loaded = snapshot::Base::load(root.bases(), base);
  if (loaded && !locks.has_passed(*loaded)) {
    locks.run(base);
  }
}

void enforce_lock(std::vector<std::string>& environment, const std::string& snapshot,
                  const std::string& folder, Tell tell) {
  for (const auto& note : uv::enforce_lock(environment, snapshot, folder)) {
    if (tell == Tell::yes) {
      os::note(note);
    }
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
