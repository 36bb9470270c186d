#include "snapshot/create.hpp"

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/report.hpp"
#include "cli/tree_arguments.hpp"
#include "cli/uv_locked.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/subprocess.hpp"
#include "snapshot/find.hpp"
#include "snapshot/name.hpp"
#include "snapshot/new_root.hpp"

#include <optional>
#include <utility>

namespace snapfix::cli {
namespace {

snapshot::Existing existing_from(const Arguments& options) {
  using snapshot::Existing;
  auto out = Existing::reuse;
  for (const auto& [flag, existing] :
       {std::pair("reuse", Existing::reuse_any), std::pair("update", Existing::update),
        std::pair("fresh", Existing::refresh)}) {
    if (options.flag(flag)) {
      if (out != Existing::reuse) {
        options.fail("--reuse, --update and --fresh exclude each other");
      }
      out = existing;
    }
  }
  return out;
}

snapshot::Created create_in(const snapshot::Root& root, const Arguments& options,
                            snapshot::CreateOptions wanted, os::Patience patience, pid_t parent) {
  const std::string folder = snapshot::folder_of_name(wanted.name);
  if (!root.stat_of_tree(folder)) {
    if (wanted.existing == snapshot::Existing::update) {
      snapshot::require_snapshot(root, wanted.name); // says what is like it
    }
    if (wanted.existing == snapshot::Existing::reuse_any) {
      os::note(os::format("there is no snapshot {}: it is made", os::quoted(wanted.name)));
    }
  }
  if (wanted.existing == snapshot::Existing::reuse ||
      wanted.existing == snapshot::Existing::reuse_any) {
    if (auto standing = snapshot::reuse(root, wanted)) {
      if (!wanted.tree.uv_locked.empty()) {
        if (print_changed_locks(root, wanted.name)) {
          throw os::Error(
              os::format("the snapshot {} stands, with another lock", os::quoted(wanted.name)),
              "--fresh makes it anew");
        }
        check_locks(options, root, wanted, standing->base, parent);
      }
      return std::move(*standing);
    }
  }
  const auto lock = root.lock_name(folder, "snapfix create " + wanted.name, patience);
  if (wanted.existing == snapshot::Existing::update && !gives_tree_options(options) &&
      !options.has("uv-locked")) {
    snapshot::keep_options(snapshot::require_snapshot(root, wanted.name), wanted.tree);
  }
  return create_checked(options, root, wanted, parent);
}

} // namespace

int create(const std::vector<std::string>& arguments) {
  const pid_t parent = os::parent_process();
  Arguments options(
      "create",
      "Makes a snapshot and prints its path. One that exists and is of the same state\n"
      "stays untouched; of another state it is an error, without --reuse, --update or\n"
      "--fresh.",
      {"NAME", 1, 1});
  add_name_option(options);
  add_tree_options(options);
  add_base_options(options);
  options.add_flag("reuse", "take a snapshot that exists as it is, whatever its state");
  options.add_flag(
      "update", "bring the source's files in a snapshot that exists to the present state, over "
                "what jobs did to them, and keep what else jobs have made; made with the options "
                "it has, where none are given");
  options.add_flag("fresh", "bring a snapshot that exists to the pristine, present state");
  add_wait_option(options);
  options.add_flag("ctest", "called by the CMake module: print measurements instead of the path");
  options.add_flag("json", "print a report instead of the path");
  if (!options.parse(arguments)) {
    return k_done;
  }
  auto wanted = create_options_from(options, options.words()[0]);
  wanted.existing = existing_from(options);
  const auto patience = patience_from(options);
  std::optional<snapshot::Created> created;
  snapshot::in_root(wanted.selection.root, [&](const snapshot::Root& root) {
    created = create_in(root, options, wanted, patience, parent);
    root.clear_debris();
  });
  print_notes(*created);
  if (options.flag("json")) {
    print_json(*created, wanted.name);
  } else if (options.flag("ctest")) {
    print_measurements(created->ledger);
    if (!wanted.tree.uv_locked.empty()) {
      auto environment = os::environment_without_git();
      enforce_lock(environment, created->path, created->path, Tell::yes);
    }
  } else {
    os::print("{}\n", created->path);
  }
  return k_done;
}

} // namespace snapfix::cli
