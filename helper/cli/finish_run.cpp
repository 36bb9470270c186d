#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/tree_arguments.hpp"
#include "job/finish.hpp"
#include "job/report.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/units.hpp"
#include "page/page.hpp"
#include "snapshot/frozen.hpp"
#include "snapshot/history.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/source_changes.hpp"
#include "snapshot/spares.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace snapfix::cli {
namespace {

constexpr std::size_t k_most_told = 20;

void print(const std::string& source, const std::set<snapshot::SourceChange>& changes) {
  os::note(os::format("the source {} changed while tests ran, by a test or by somebody else:",
                      os::quoted(source)));
  std::size_t told = 0;
  for (const auto& [path, change] : changes) {
    if (told++ == k_most_told) {
      os::print(stderr, "  and {} more: --json shows all\n", changes.size() - k_most_told);
      break;
    }
    os::print(stderr, "  {} ({})\n", os::quoted(path), os::word_of(change));
  }
}

/// Tests whose output ctest searches do not say it themselves.
void tell_of_kept_ones(const snapshot::Root& root) {
  for (const auto& folder : root.snapshot_folders()) {
    const auto run = snapshot::load_run(root, folder);
    if (run && !run->finish && snapshot::was_started_by_our_parent(*run)) {
      os::note(os::format("kept: {}/{}", root.path(), folder));
    }
  }
}

/// For the page.
std::vector<std::string>
warnings_of(const std::map<std::string, snapshot::SourceOutcome>& sources) {
  std::vector<std::string> out;
  for (const auto& [source, outcome] : sources) {
    if (outcome.error) {
      out.push_back(os::format("Nobody can tell whether the source {} changed while tests ran: {}",
                               os::quoted(source), *outcome.error));
    }
    if (outcome.changes.empty()) {
      continue;
    }
    const auto& first = *outcome.changes.begin();
    out.push_back(os::format("The source {} changed while tests ran: {}, {} ({}) among them",
                             os::quoted(source), os::counted(outcome.changes.size(), "file"),
                             os::quoted(first.path), os::word_of(first.change)));
  }
  return out;
}

using Sources = std::map<std::string, snapshot::SourceOutcome>;

/// Whether a killed run had changed what it must not.
bool end_run(const snapshot::Root& root, const Arguments& options, Sources& sources) {
  const bool has_finding = job::finish_killed_runs(root);
  snapshot::trim_spares(root, options.number("spares"), false);
  snapshot::trim_histories(root);
  if (options.flag("ctest")) {
    tell_of_kept_ones(root);
  }
  for (const auto& base : snapshot::bases_of_run(root)) {
    auto& outcome = sources[base.meta().source];
    try {
      const auto changes = snapshot::source_changes(root, base);
      outcome.changes.insert(changes.begin(), changes.end());
    } catch (const os::Error& error) { // a test may have left no work tree there, or no folder
      outcome.error = error.what();
    }
  }
  return has_finding;
}

void write_report(const Arguments& options, const std::string& root,
                  const std::vector<std::string>& warnings) {
  if (const auto report = options.value("report")) {
    page::write_page(page::collect_night(root, page::our_starter(), warnings), *report);
    os::note(os::format("the report is {}", os::quoted(*report)));
  }
}

} // namespace

int finish_run(const std::vector<std::string>& arguments) {
  Arguments options(
      "finish-run",
      "Ends a ctest run, whose ctest called this: finishes what runs that were killed\n"
      "were to finish, and tells what of the sources that it froze has changed since.\n"
      "Exit code 3 if anything has, or cannot be compared; 1 if shared files were\n"
      "changed in a killed run.",
      {});
  add_root_option(options);
  options.add_value("spares", "N", "remove all but N trees that wait for the next snapshots");
  options.add_value_or_nothing("report", "FILE.html",
                               "write a page on the run, as 'snapfix report' does");
  options.add_flag("ctest", "called by the CMake module: what stands behind -- is of ctest");
  options.add_flag("json", "print a report");
  if (!options.parse(arguments)) {
    return k_done;
  }
  options.number("spares"); // refused early
  Sources sources;
  bool has_finding = false;
  const std::string path = root_path(options);
  if (snapshot::Root::exists(path)) {
    try {
      has_finding = end_run(snapshot::Root::open(path), options, sources);
    } catch (const os::Error& error) {
      write_report(options, path, {error.what()});
      throw;
    }
  }
  for (const auto& [source, outcome] : sources) {
    if (!outcome.changes.empty()) {
      print(source, outcome.changes);
    }
    if (outcome.error) {
      os::note(os::format("nobody can tell whether the source {} changed while tests ran: {}",
                          os::quoted(source), *outcome.error));
    }
  }
  const bool is_same =
      std::ranges::all_of(sources, [](const auto& entry) { return entry.second.is_same(); });
  if (!is_same) {
    os::print_hint(
        "to find a test that does it, run the suspects one at a time (ctest -R '^NAME$')");
  }
  if (options.flag("json")) {
    print_json(sources);
  }
  write_report(options, path, warnings_of(sources));
  return has_finding ? k_failed : is_same ? k_done : k_difference;
}

} // namespace snapfix::cli
