#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/report.hpp"
#include "cli/source_writes.hpp"
#include "cli/tree_arguments.hpp"
#include "cli/uv_locked.hpp"
#include "os/format.hpp"
#include "snapshot/manage.hpp"
#include "snapshot/name.hpp"

#include <array>
#include <limits>
#include <thread>

namespace snapfix::cli {

int finish(const std::vector<std::string>& arguments) {
  using snapshot::Keep;
  Arguments options("finish",
                    "Verifies the snapshot, then keeps or removes it. A missing one is fine.\n"
                    "Exit code 3 if shared files were changed through a link.",
                    {"NAME", 1, 1});
  add_name_option(options);
  add_root_option(options);
  options.add_value(
      "keep", "WHEN",
      "never; on-failure: if the command failed, has no recorded end, or shared files "
      "were changed; always; default: on-failure");
  options.add_flag("will-fail", "the command was expected to fail (CTest's WILL_FAIL)");
  options.add_value("skip-return-code", "N", "this exit code is no failure (SKIP_RETURN_CODE)");
  options.add_flag(
      "judged-by-output",
      "whether it failed is judged by its output, which only ctest sees (FAIL_, PASS_, "
      "SKIP_REGULAR_EXPRESSION): on-failure keeps");
  options.add_value("spares", "N",
                    "hand the tree on, instead of removing it, to the next snapshot that is made, "
                    "while there are less than N such trees; default: as many as processors");
  add_wait_option(options);
  options.add_flag("ctest", "called by the CMake module: print measurements");
  options.add_flag("json", "print a report");
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto patience = patience_from(options);
  constexpr std::uint64_t k_most = std::numeric_limits<int>::max();
  constexpr std::array k_keeps{Keep::never, Keep::on_failure, Keep::always};
  const auto keep = k_keeps.at(options.choice("keep", {"never", "on-failure", "always"}, 1));
  snapshot::Outcome outcome;
  outcome.will_fail = options.flag("will-fail");
  outcome.judged_by_output = options.flag("judged-by-output");
  if (const auto code = options.number("skip-return-code", 0, k_most)) {
    outcome.skip_return_code = static_cast<int>(*code);
  }
  const auto spares =
      options.number("spares", 0, k_most).value_or(std::thread::hardware_concurrency());
  const std::string& name = options.words()[0];
  const std::string folder = snapshot::folder_of_name(name);
  const std::string path = root_path(options);
  snapshot::Finished finished;
  bool lock_changed = false;
  SourceWrites source_writes;
  if (snapshot::Root::exists(path)) {
    const auto root = snapshot::Root::open(path);
    const auto lock = root.lock_name(folder, "snapfix finish " + name, patience);
    lock_changed = print_changed_locks(root, name);
    if (lock_changed) {
      outcome.fault = "the lock was changed";
    }
    source_writes = print_source_writes(root, name);
    if (!source_writes.empty()) {
      outcome.fault = "the command wrote to the source";
    }
    finished = snapshot::finish(root, name, lock, keep, outcome, spares, print_findings);
  }
  const auto& verified = finished.verified;
  print_left(finished.left);
  if (!finished.handed_on.why_not.empty()) {
    os::note(os::format("the tree is removed, not handed on: {}", finished.handed_on.why_not));
  }
  if (finished.kept) {
    os::note(os::format("the snapshot is kept in {}/{}: {}", path, folder, finished.why_kept));
  }
  if (options.flag("json")) {
    print_json(finished, name, source_writes);
  } else if (options.flag("ctest") && finished.existed) {
    print_measurement("snapshot.private", static_cast<double>(verified.made_private));
    print_measurement("snapshot.bytes_private", static_cast<double>(verified.bytes_private));
    print_measurement("snapshot.added", static_cast<double>(verified.added));
    print_measurement("snapshot.findings", static_cast<double>(verified.findings.size()));
  }
  const bool has_finding = lock_changed || !source_writes.empty() || !verified.findings.empty();
  if (has_finding && options.flag("ctest")) {
    print_hint("then run the test itself: 'ctest --rerun-failed' runs this cleanup alone");
  }
  return has_finding ? k_difference : k_done;
}

} // namespace snapfix::cli
