#include "snapshot/create.hpp"

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/tree_arguments.hpp"
#include "job/report.hpp"
#include "job/uv_locked.hpp"
#include "os/format.hpp"
#include "os/subprocess.hpp"
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
                            const std::string& name, snapshot::CreateOptions wanted) {
  using snapshot::Existing;
  const bool stays = wanted.existing == Existing::reuse || wanted.existing == Existing::reuse_any;
  const std::string folder = snapshot::folder_of_name(name);
  if (!root.stat_of_tree(folder)) {
    if (wanted.existing == Existing::update) {
      snapshot::Snapshot::require(root, name); // says what is like it
    }
    if (wanted.existing == Existing::reuse_any) {
      os::note(os::format("there is no snapshot {}: it is made", os::quoted(name)));
    }
  }
  const auto locks = lock_options_from(options);
  const auto run =
      wanted.existing == Existing::refresh ? std::nullopt : snapshot::load_run(root, folder);
  const bool awaits_finish = run && run->finish && !root.is_name_locked(folder); // it was killed
  if (auto standing =
          stays && !awaits_finish ? snapshot::reuse(root, name, wanted) : std::nullopt) {
    if (!wanted.tree.uv_locked.empty()) {
      const auto snapshot = snapshot::Snapshot::require(root, name);
      if (job::print_changed_locks(snapshot)) {
        throw os::Error(os::format("the snapshot {} stands, with another lock", os::quoted(name)),
                        "--fresh makes it anew");
      }
      job::check_locks(snapshot, wanted, locks);
    }
    return std::move(*standing);
  }
  snapshot::Held held(root, name, "snapfix create", patience_from(options));
  if (wanted.existing == Existing::update && !gives_tree_options(options) &&
      !options.has("uv-locked")) {
    const auto& meta = held.require().meta();
    meta.options.put_into(wanted.tree, meta.source);
  }
  auto out = job::create_checked(held, wanted, locks);
  auto left = awaits_finish ? snapshot::load_run(root, folder) : std::nullopt;
  if (left && left->finish) {
    left->finish.reset(); // what stands is the caller's now
    snapshot::write_run(root, folder, *left);
  }
  return out;
}

} // namespace

int create(const std::vector<std::string>& arguments) {
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
  const std::string& name = options.words()[0];
  auto wanted = create_options_from(options, name);
  wanted.existing = existing_from(options);
  patience_from(options); // refused early, also where nobody is waited for
  std::optional<snapshot::Created> created;
  snapshot::in_root(wanted.selection.root, [&](const snapshot::Root& root) {
    created = create_in(root, options, name, wanted);
    root.clear_debris();
  });
  job::print_notes(*created);
  if (options.flag("json")) {
    print_json(*created, name);
  } else if (options.flag("ctest")) {
    job::print_measurements(created->ledger);
    if (!wanted.tree.uv_locked.empty()) {
      auto environment = os::environment_without_git();
      job::enforce_lock(environment, created->path, created->path, job::Tell::yes);
    }
  } else {
    os::print("{}\n", created->path);
  }
  return k_done;
}

} // namespace snapfix::cli
