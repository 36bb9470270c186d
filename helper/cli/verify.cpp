#include "snapshot/verify.hpp"

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/tree_arguments.hpp"
#include "job/report.hpp"
#include "job/source_writes.hpp"
#include "job/uv_locked.hpp"
#include "os/format.hpp"

namespace snapfix::cli {

int verify(const std::vector<std::string>& arguments) {
  Arguments options("verify",
                    "Reports which shared files were changed through a link, and heals the store.\n"
                    "Exit code 3 if there are any.",
                    {"NAME", 1, 1});
  add_name_option(options);
  add_root_option(options);
  options.add_flag("content", "compare the content of shared files as well");
  options.add_flag("json", "print a report");
  if (!options.parse(arguments)) {
    return k_done;
  }
  const std::string& name = options.words()[0];
  const auto root = snapshot::Root::open(root_path(options));
  const auto depth =
      options.flag("content") ? snapshot::VerifyDepth::content : snapshot::VerifyDepth::stats;
  const auto snapshot = snapshot::Snapshot::require(root, name);
  const auto verified = snapshot::verify(snapshot, depth);
  job::print_findings(verified);
  const auto source_writes = job::print_source_writes(snapshot::load_run(root, snapshot.folder()));
  if (options.flag("json")) {
    print_json(verified, name, source_writes);
  } else {
    os::print("shared {}, private {}, missing {}, added {}, changed through a link {}\n",
              verified.shared, verified.made_private, verified.missing, verified.added,
              verified.findings.size());
  }
  const bool lock_changed = job::print_changed_locks(snapshot);
  return lock_changed || !source_writes.empty() || !verified.findings.empty() ? k_difference
                                                                              : k_done;
}

} // namespace snapfix::cli
