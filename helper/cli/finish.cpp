#include "job/finish.hpp"

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/finish_arguments.hpp"
#include "cli/json.hpp"
#include "cli/tree_arguments.hpp"
#include "job/report.hpp"

namespace snapfix::cli {

int finish(const std::vector<std::string>& arguments) {
  Arguments options("finish",
                    "Verifies the snapshot, then keeps or removes it. A missing one is fine.\n"
                    "Exit code 3 if shared files were changed through a link.",
                    {"NAME", 1, 1});
  add_name_option(options);
  add_root_option(options);
  add_finish_options(options);
  add_wait_option(options);
  options.add_flag("ctest", "called by the CMake module: print measurements");
  options.add_flag("json", "print a report");
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto patience = patience_from(options);
  const auto how = finish_options_from(options);
  const std::string& name = options.words()[0];
  const std::string path = root_path(options);
  job::Finishing finishing;
  if (snapshot::Root::exists(path)) {
    const auto root = snapshot::Root::open(path);
    snapshot::Held held(root, name, "snapfix finish", patience);
    finishing = job::finish(held, held.last_run(), how);
  }
  const auto& verified = finishing.snapshot.verified;
  if (options.flag("json")) {
    print_json(finishing.snapshot, name, finishing.source_writes);
  } else if (options.flag("ctest") && finishing.snapshot.existed) {
    job::print_measurements(verified);
    if (!finishing.pack.empty()) {
      job::print_attachment(finishing.pack);
    }
  }
  job::tell_what_became_of(finishing);
  const bool has_finding = finishing.has_finding();
  if (has_finding && options.flag("ctest")) {
    os::print_hint(
        "then run the test itself: 'ctest --rerun-failed' runs this cleanup alone, which "
        "may pass then");
  }
  return has_finding ? k_difference : k_done;
}

} // namespace snapfix::cli
