#include "job/repro.hpp"

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/run_report.hpp"
#include "cli/size_argument.hpp"
#include "cli/tree_arguments.hpp"
#include "job/pasteable.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"

namespace snapfix::cli {
namespace {

constexpr std::uint64_t k_max_size = 1'000'000'000;

std::string root_of(const Arguments& options, const std::string& clone) {
  const auto given = options.value("root").value_or(variable_or("SNAPFIX_ROOT", ""));
  return os::resolved_path(given.empty() ? clone + ".repro" : os::absolute_path(given));
}

void tell_of_end(const job::PackRecord& record, const job::RunResult& result) {
  const auto text = [](int status, int signal) {
    return signal != 0 ? os::format("signal {}", signal) : os::format("exit code {}", status);
  };
  const auto here = text(result.end.exit_code, result.end.signal);
  const auto there =
      record.end ? text(record.end->status, record.end->signal) : "an end that is not recorded";
  os::note(here == there
               ? os::format("it ended with {}, as where it was packed", here)
               : os::format("it ended with {}, and where it was packed with {}", here, there));
}

} // namespace

int repro(const std::vector<std::string>& arguments) {
  Arguments options(
      "repro",
      "Makes the snapshot that a pack tells of, and prints its path: the commit's files from\n"
      "the objects of CLONE, where nothing is changed, all others from the pack. Each is\n"
      "checked by its id. With --run it runs the recorded command, guarded; exit codes are\n"
      "those of run then. Without, no program of the pack or the clone runs.",
      {"FILE", 1, 1});
  options.add_value("source", "CLONE", "a clone of the repository; it need not be at that commit");
  options.add_value(
      "root", "DIR",
      "folder that holds the snapshot; default: SNAPFIX_ROOT, else CLONE.repro beside "
      "the clone");
  options.add_value("as", "NAME", "of the snapshot; default: the one that it had");
  options.add_flag("fresh", "make a snapshot anew that stands under that name");
  options.add_flag("run", "run the recorded command: only of a pack that you trust");
  options.add_value("max-size", "SIZE",
                    "how much the contents of files in the pack may have altogether; default: 1G");
  add_wait_option(options);
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto source = options.value("source");
  if (!source) {
    options.fail("--source is missing", "name a clone of the repository: --source CLONE");
  }
  job::ReproOptions wanted;
  try {
    wanted.clone = os::canonical_path(*source);
  } catch (const os::Error& error) {
    throw os::Error("find the clone", {*source}, error.error_number(), "name one with --source");
  }
  wanted.root = root_of(options, wanted.clone);
  wanted.name = options.value("as").value_or("");
  wanted.fresh = options.flag("fresh");
  wanted.patience = patience_from(options);
  job::PackFile pack(options.words()[0], size_from(options, "max-size", k_max_size));
  const auto made = job::reproduce(pack, wanted);
  const auto& record = pack.record();
  if (!options.flag("run")) {
    if (const auto why = job::why_not_runnable(record, made)) {
      os::note(os::format("its command cannot be run here: {}", why->what()));
      os::print_hint(why->hint());
    } else {
      os::print_hint(os::format("run its command: --run\na shell in it: {}",
                                job::words_for("enter", made.name, wanted.root)));
    }
    os::print("{}\n", made.path);
    return k_done;
  }
  const auto result = job::run(job::recorded_run(record, made, wanted));
  tell_of_end(record, result);
  os::print("{}\n", made.path);
  end_as(result);
}

} // namespace snapfix::cli
