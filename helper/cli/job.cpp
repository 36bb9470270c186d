#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/run_report.hpp"
#include "cli/tree_arguments.hpp"
#include "job/helper.hpp"
#include "job/submit.hpp"
#include "os/process.hpp"

namespace snapfix::cli {

int job(const std::vector<std::string>& arguments) {
  Arguments options(
      "job",
      "Does the work of a run that was submitted by 'snapfix run --launcher': what a\n"
      "launcher starts, by the snapfix that lies in the root, .snapfix/bin/snapfix. Does\n"
      "nothing where nobody waits for it any more. Exit codes are those of run.",
      {"TICKET", 1, 1});
  add_root_option(options);
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto own = job::root_of_this_helper();
  if (!own && !options.has("root")) {
    if (os::this_program().empty()) {
      options.fail("/proc is missing here, so that this program cannot tell in which root it lies",
                   "have the container mount /proc: the run needs it as well");
    }
    options.fail("this is not the snapfix of a root",
                 "call ROOT/.snapfix/bin/snapfix, or name the root with --root");
  }
  const auto result = job::take_up(options.has("root") ? root_path(options) : *own,
                                   options.words()[0], tell_failure);
  if (result.told_failure) {
    return failure_of_run(*result.told_failure, false);
  }
  end_as(result);
}

} // namespace snapfix::cli
