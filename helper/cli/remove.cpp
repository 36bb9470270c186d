#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/tree_arguments.hpp"
#include "job/report.hpp"
#include "snapshot/manage.hpp"

#include <limits>

namespace snapfix::cli {

int remove(const std::vector<std::string>& arguments) {
  Arguments options("remove",
                    "Removes snapshots. What cannot be removed stays in the root's trash.",
                    {"NAME...", 1, std::numeric_limits<std::size_t>::max()});
  add_root_option(options);
  add_wait_option(options);
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto patience = patience_from(options);
  const auto root = snapshot::Root::open(root_path(options));
  int exit_code = k_done;
  for (const auto& name : options.words()) {
    try {
      snapshot::Held held(root, name, "snapfix remove", patience);
      job::print_left(snapshot::remove(held));
    } catch (const os::Error& error) { // the others are removed all the same
      os::print_error(error);
      exit_code = k_failed;
    }
  }
  return exit_code;
}

} // namespace snapfix::cli
