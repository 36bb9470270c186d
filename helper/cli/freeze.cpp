#include "snapshot/freeze.hpp"

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/tree_arguments.hpp"
#include "job/finish.hpp"
#include "job/past.hpp"
#include "job/program_note.hpp"
#include "job/report.hpp"
#include "os/format.hpp"
#include "os/subprocess.hpp"
#include "snapshot/collect.hpp"
#include "snapshot/frozen.hpp"
#include "snapshot/new_root.hpp"

#include <algorithm>

namespace snapfix::cli {
namespace {

bool has_folder(const snapshot::Base& base, const std::string& path) {
  return std::ranges::any_of(base.folders(), [&](const snapshot::FolderRecord& folder) {
    return base.text(folder.path) == path;
  });
}

snapshot::Frozen freeze_in(const snapshot::Root& root, const source::Selection& selection,
                           snapshot::LinkFrom from, const Arguments& options) {
  snapshot::Frozen out;
  try {
    const auto lock = root.lock_store(os::LockMode::shared, "snapfix freeze");
    out = snapshot::freeze(root, selection, from);
    if (options.flag("ctest")) {
      const auto key = snapshot::freeze_key(selection, from);
      snapshot::record_frozen(root, key, out.base.id());
      job::remember_freeze(root, key, out);
    }
  } catch (...) {
    root.clear_debris(); // it may be what has left no room for us
    throw;
  }
  if (out.made) {
    try {
      snapshot::collect_unused_bases(root);
    } catch (const os::Error& error) { // the base stands; the next freeze collects them
      os::note(os::format("bases that nothing uses stay: {}", error.what()));
    }
  }
  root.clear_debris();
  return out;
}

} // namespace

int freeze(const std::vector<std::string>& arguments) {
  Arguments options(
      "freeze",
      "Makes the base of the source's present state, or finds that it stands already;\n"
      "prints its id. Options that only say how a snapshot is made are taken, so that one\n"
      "set serves freeze and create, and have no effect.",
      {});
  add_tree_options(options);
  options.add_flag("ctest", "called by the CMake module: the base counts for this ctest run");
  options.add_flag("json", "print a report instead of the id");
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto wanted = create_options_from(options, "freeze");
  const auto from = wanted.tree.link_from;
  const auto& selection = wanted.selection;
  snapshot::Frozen frozen;
  snapshot::in_root(selection.root, [&](const snapshot::Root& root) {
    job::finish_killed_runs(root);
    frozen = freeze_in(root, selection, from, options);
  });
  job::print_notes(frozen);
  if (options.flag("ctest")) { // once for all tests, which get this environment from ctest
    job::note_programs_in_source(
        os::environment_without_git(), selection.source,
        [&](const std::string& path) { return has_folder(frozen.base, path); });
  }
  if (options.flag("json")) {
    print_json(frozen);
  } else if (options.flag("ctest")) {
    job::print_measurements(frozen);
  } else {
    os::print("{}\n", frozen.base.id().hex());
  }
  return k_done;
}

} // namespace snapfix::cli
