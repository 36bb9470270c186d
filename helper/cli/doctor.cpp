#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/root_probes.hpp"
#include "cli/roots.hpp"
#include "cli/table.hpp"
#include "cli/tree_arguments.hpp"
#include "cli/uv_probes.hpp"
#include "guard/guarded_command.hpp"
#include "job/helper.hpp"
#include "os/format.hpp"
#include "os/mounts.hpp"
#include "os/path.hpp"
#include "os/probe.hpp"

#include <algorithm>

namespace snapfix::cli {
namespace {

/// What no snapshot can do without.
bool is_needed(const os::Probe& probe) {
  return probe.name == "locks" || probe.name == "timestamps";
}

} // namespace

int doctor(const std::vector<std::string>& arguments) {
  Arguments options(
      "doctor",
      "Tries what the file system of DIR (default: the current folder) and the kernel\n"
      "can do for snapshots, and looks at the place of the root: DIR itself, or the one that\n"
      "commands in DIR mean. Exit code 1 if something is missing without which there are none.",
      {"[DIR]", 0, 1});
  options.add_flag("json", "print a report");
  if (!options.parse(arguments)) {
    return k_done;
  }
  const std::string given = options.words().empty() ? "." : options.words()[0];
  std::string folder;
  try {
    folder = os::canonical_path(given);
  } catch (const os::Error& error) {
    throw os::Error("find the folder", {given}, error.error_number(), "name one that exists");
  }
  auto probes = os::probe_file_system(folder);
  const auto guard = guard::probe_guard();
  probes.push_back({"guard", guard.works, guard.detail});
  const auto helper = job::find_helper();
  probes.push_back({"jobs elsewhere", helper.is_static,
                    helper.is_static
                        ? "launchers start a snapfix that needs no library, " + helper.path
                        : "launchers start this program, which needs the libraries that it was "
                          "linked with: where it was built there were no static ones"});
  const auto of_uv = uv_probes(folder);
  probes.insert(probes.end(), of_uv.begin(), of_uv.end());
  const auto named = options.words().empty() ? variable_or("SNAPFIX_ROOT", "") : "";
  const auto root = named.empty() ? root_of(folder) : os::absolute_path(named);
  const auto of_root = root_probes(root, folder);
  probes.insert(probes.end(), of_root.begin(), of_root.end());
  const auto former = former_root(root);
  const std::string type = os::file_system_type(folder);
  if (options.flag("json")) {
    print_json(folder, type, probes, root, former);
  } else {
    os::print("{} ({})\n", on_one_line(folder), type);
    using enum Table::Align;
    Table table({left, left, left});
    for (const auto& probe : probes) {
      table.add({probe.works ? "yes" : "no", probe.name, on_one_line(probe.detail)});
    }
    table.print("  ");
  }
  tell_of_former_root(former);
  const bool fit = std::ranges::all_of(
      probes, [](const os::Probe& probe) { return probe.works || !is_needed(probe); });
  return fit ? k_done : k_failed;
}

} // namespace snapfix::cli
