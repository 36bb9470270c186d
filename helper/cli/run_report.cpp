#include "cli/run_report.hpp"

#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "job/report.hpp"
#include "os/error.hpp"
#include "os/format.hpp"

namespace snapfix::cli {

void add_report_options(Arguments& arguments) {
  arguments.add_flag("verbose,v", "say on stderr what became private, and what the guard cost");
  arguments.add_value("json-report", "FILE", "write what is recorded of the run to a file");
}

void report_run(const Arguments& arguments, const std::string& name, const job::RunResult& result) {
  if (arguments.flag("verbose")) {
    for (const auto& line : job::guard_lines(result.record.guard)) {
      os::print(stderr, "{}\n", line);
    }
  }
  if (const auto path = arguments.value("json-report")) {
    try {
      write_json(*path, name, result.record);
    } catch (const os::Error& error) { // the command's own end is what counts
      os::warn(error.what());
    }
  }
}

void end_as(const job::RunResult& result) {
  auto end = result.end;
  if (result.has_finding && end.signal == 0 && end.exit_code == 0) {
    end.exit_code = k_run_difference; // a failure of the command stands
  }
  guard::end_as(end);
}

} // namespace snapfix::cli
