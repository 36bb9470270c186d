#include "job/rerun.hpp"

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/run_report.hpp"
#include "cli/tree_arguments.hpp"

namespace snapfix::cli {

int rerun(const std::vector<std::string>& arguments) {
  Arguments options(
      "rerun",
      "Runs the last recorded command of a snapshot again, in its folder and environment,\n"
      "with its options, and records that run in its place. In the tree as it stands,\n"
      "without --fresh. Exit codes are those of run.",
      {"NAME", 1, 1});
  add_name_option(options);
  add_root_option(options);
  options.add_flag("fresh", "in a pristine tree: of the same base, or where that is lost of the "
                            "source's present state; what jobs have made goes");
  add_wait_option(options);
  add_report_options(options);
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto patience = patience_from(options);
  job::RunOptions wanted;
  {
    const auto root = snapshot::Root::open(root_path(options));
    wanted = job::repetition(snapshot::Snapshot::require(root, options.words()[0]),
                             options.flag("fresh") ? job::In::pristine_tree : job::In::kept_tree);
  }
  wanted.patience = patience;
  wanted.locks.patience = patience;
  const auto result = job::run(wanted);
  report_run(options, wanted.name, result);
  end_as(result);
}

} // namespace snapfix::cli
