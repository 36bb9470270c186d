#include "job/enter.hpp"

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/tree_arguments.hpp"

namespace snapfix::cli {

int enter(const std::vector<std::string>& arguments) {
  Arguments options(
      "enter",
      "Opens a shell in a snapshot, as the last run in it had it: its folder, its\n"
      "environment, under the guard, while nobody else uses the snapshot. What is\n"
      "recorded of that run stays. The shell is SHELL, else /bin/sh; its exit code is\n"
      "passed on.",
      {"NAME", 1, 1});
  add_name_option(options);
  add_root_option(options);
  options.add_value("guard", "on|off",
                    "make a shared file private at its first change: on (default), which fails "
                    "where the kernel cannot; off: what is changed in place changes in all "
                    "snapshots that share it");
  add_wait_option(options);
  if (!options.parse(arguments)) {
    return k_done;
  }
  job::EnterOptions wanted;
  wanted.name = options.words()[0];
  wanted.patience = patience_from(options);
  wanted.guard = options.choice("guard", {"on", "off"}, 0) == 0 ? job::Guard::on : job::Guard::off;
  wanted.root = root_path(options);
  guard::end_as(job::enter(wanted));
}

} // namespace snapfix::cli
