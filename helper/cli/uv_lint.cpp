#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/table.hpp"
#include "job/report.hpp"
#include "lint/lint.hpp"
#include "os/format.hpp"

#include <limits>

namespace snapfix::cli {
int uv_lint(const std::vector<std::string>& arguments) {
  Arguments options(
      "uv-lint",
      "Finds uv commands that may change the lock: uv run, sync, export, tree,\n"
      "audit and check without --locked or --frozen, in shell scripts, makefiles, Dockerfiles,\n"
      "YAML, justfiles and Python. Exit code 3 if there are any.\n"
      "`# snapfix: allow-unlocked` on its line silences one.",
      {"PATH...", 1, std::numeric_limits<std::size_t>::max()});
  options.add_flag("fix", "write --locked where it is missing");
  options.add_flag("json", "print a report");
  options.add_flag("assume-locked",
                   "UV_LOCKED=1 will be in the environment: report --frozen as well, "
                   "which uv refuses beside it");
  options.add_flag("ctest", "called by the CMake module: what stands behind -- is of ctest");
  if (!options.parse(arguments)) {
    return k_done;
  }
  lint::Options how;
  how.fix = options.flag("fix") ? lint::Fix::yes : lint::Fix::no;
  how.assume_locked =
      options.flag("assume-locked") ? lint::AssumeLocked::yes : lint::AssumeLocked::no;
  const auto report = lint::lint_files(options.words(), how);
  if (options.flag("json")) {
    print_json(report);
  } else {
    for (const auto& finding : report.findings) {
      os::print("{}:{}:{}: {}\n", on_one_line(finding.path), finding.line, finding.column,
                finding.message);
    }
  }
  for (const auto& path : report.unread) {
    os::warn(os::format("{} is not read: by its name and first line it is neither a shell script, "
                        "makefile, Dockerfile, YAML, justfile nor Python",
                        os::quoted(path)));
  }
  if (report.fixed != 0) {
    os::note(os::format("wrote --locked in {} places", report.fixed));
  }
  return report.findings.empty() ? k_done : k_difference;
}

} // namespace snapfix::cli
