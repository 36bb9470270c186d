#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/roots.hpp"
#include "cli/table.hpp"
#include "cli/time_argument.hpp"
#include "cli/tree_arguments.hpp"
#include "job/report.hpp"
#include "os/format.hpp"
#include "os/units.hpp"
#include "snapshot/manage.hpp"

namespace snapfix::cli {
int prune(const std::vector<std::string>& arguments) {
  Arguments options(
      "prune",
      "Removes debris, and objects and bases that nothing uses. Snapshots go only by\n"
      "--keep or --older-than; with both, old ones beyond the newest N.",
      {});
  add_root_option(options);
  options.add_value("keep", "N", "remove all snapshots but the newest N");
  options.add_value("older-than", "AGE", "remove snapshots older than this: 30s, 15m, 12h, 7d, 2w");
  options.add_value("spares", "N", "leave at most N trees that wait for their next snapshots");
  options.add_flag("dry-run", "only say what would go");
  options.add_flag("json", "print a report");
  if (!options.parse(arguments)) {
    return k_done;
  }
  snapshot::PruneOptions wanted;
  wanted.keep = options.number("keep");
  if (const auto age = options.value("older-than")) {
    wanted.older_than_seconds = seconds_from(options, "older-than", *age);
  }
  wanted.spares = options.number("spares");
  wanted.dry_run = options.flag("dry-run");
  const auto root = snapshot::Root::open(root_path(options));
  const auto pruned = snapshot::prune(root, wanted);
  const auto former = former_root(root.path());
  if (options.flag("json")) {
    print_json(pruned, wanted, former);
  } else {
    const char* verb = wanted.dry_run ? "would remove" : "removed";
    for (const auto& name : pruned.snapshots) {
      os::print("{} snapshot {}\n", verb, os::quoted(name));
    }
    os::print("{} {}, {}, {} ({})\n", verb, os::counted(pruned.snapshots.size(), "snapshot"),
              os::counted(pruned.store.bases, "base"), os::counted(pruned.store.objects, "object"),
              os::human_bytes(pruned.bytes));
  }
  for (const auto& name : pruned.in_use) {
    os::note(os::format("{} is in use: left alone", os::quoted(name)));
  }
  for (const auto& [name, by] : pruned.held) {
    os::note(os::format("{} is held by {}: left alone", os::quoted(name), by));
  }
  job::print_left(pruned.left);
  tell_of_former_root(former);
  return k_done;
}

} // namespace snapfix::cli
