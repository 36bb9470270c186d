#include "cli/finishing.hpp"

#include "cli/pasteable.hpp"
#include "cli/report.hpp"
#include "cli/source_writes.hpp"
#include "cli/uv_locked.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/words.hpp"
#include "snapshot/find.hpp"
#include "snapshot/name.hpp"
#include "snapshot/run_record.hpp"
#include "source/glob.hpp"

#include <charconv>
#include <limits>
#include <thread>

namespace snapfix::cli {
namespace {

constexpr std::uint64_t k_most_spares = std::numeric_limits<int>::max();

void read_verdict(const Arguments& arguments, std::string_view text, snapshot::Verdict& out) {
  constexpr std::string_view k_skip = "skip=";
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word == "will-fail") {
      out.will_fail = true;
    } else if (word == "by-output") {
      out.by_output = true;
    } else {
      int code = 0;
      const char* last = word.data() + word.size();
      const bool is_skip = word.starts_with(k_skip);
      const auto read = std::from_chars(word.data() + (is_skip ? k_skip.size() : 0), last, code);
      if (!is_skip || read.ec != std::errc() || read.ptr != last || code < 0) {
        arguments.fail(os::format("--verdict takes will-fail, skip=N and by-output, not {}",
                                  os::quoted(word)));
      }
      out.skip_return_code = code;
    }
  }
}

} // namespace

void add_finish_options(Arguments& arguments) {
  arguments.add_value(
      "keep", "WHEN",
      "never; on-failure: if the command failed, has no recorded end, or shared files "
      "were changed; always; default: on-failure");
  arguments.add_value_or_nothing(
      "verdict", "WORDS",
      "what ctest takes for a failure, separated by commas. will-fail: only an exit code other "
      "than 0 is success (WILL_FAIL); skip=N: that exit code is no failure (SKIP_RETURN_CODE); "
      "by-output: only ctest knows (FAIL_, PASS_, SKIP_REGULAR_EXPRESSION), and on-failure keeps");
  arguments.add_value(
      "spares", "N",
      "hand the tree on, instead of removing it, to the next snapshot that is made, "
      "while there are less than N such trees; default: as many as processors");
}

snapshot::FinishOptions finish_options_from(const Arguments& arguments) {
  snapshot::FinishOptions out;
  out.keep = arguments.choice("keep", snapshot::Keep::on_failure);
  read_verdict(arguments, arguments.value("verdict").value_or(""), out.verdict);
  out.spares =
      arguments.number("spares", 0, k_most_spares).value_or(std::thread::hardware_concurrency());
  return out;
}

Finishing finish_snapshot(const snapshot::Root& root, const std::string& name, const os::Lock& held,
                          const snapshot::FinishOptions& options) {
  Finishing out;
  std::string fault;
  out.lock_changed = print_changed_locks(root, name);
  if (out.lock_changed) {
    fault = "the lock was changed";
  }
  out.source_writes = print_source_writes(root, name);
  if (!out.source_writes.empty()) {
    fault = "the command wrote to the source";
  }
  out.snapshot = snapshot::finish(root, name, held, options, fault, print_findings);
  return out;
}

void tell_what_became_of(const Finishing& finishing, const snapshot::Root& root,
                         const std::string& name) {
  const auto& finished = finishing.snapshot;
  print_left(finished.left);
  if (!finished.handed_on.why_not.empty()) {
    os::note(os::format("the tree is removed, not handed on: {}", finished.handed_on.why_not));
  }
  if (finished.kept) {
    const auto& now = finished.verified;
    // Words that nobody takes for those of an error: a test's output may be searched for them.
    os::note(os::format("the snapshot is kept in {}/{}: {} ({} files private, {} new, {} gone)",
                        root.path(), snapshot::folder_of_name(name), finished.why_kept,
                        now.made_private, now.added, now.missing));
    const auto snapshot = snapshot::require_snapshot(root, name);
    print_hint(os::format(
        "a shell in it: {} -- \"$SHELL\"",
        run_words(os::canonical_path("/proc/self/exe"), name, root.path(), snapshot.meta.source)));
  }
}

bool finish_killed_runs(const snapshot::Root& root) {
  bool out = false;
  for (const auto& folder : root.snapshot_folders()) {
    const auto run = snapshot::load_run(root, folder);
    const auto lock = run && run->finish ? root.try_lock_name(folder) : std::nullopt;
    const auto snapshot = lock ? snapshot::find_snapshot(root, folder) : std::nullopt;
    const auto now = snapshot ? snapshot::load_run(root, folder) : std::nullopt;
    if (!now || !now->finish) { // it was just finished, or begun anew
      continue;
    }
    const std::string& name = snapshot->meta.name;
    try {
      os::note(
          os::format("the run of {} was killed: its snapshot is finished now", os::quoted(name)));
      root.discard_work(folder); // of its guard, which was killed with it
      const auto finishing = finish_snapshot(root, name, *lock, *now->finish);
      tell_what_became_of(finishing, root, name);
      out = out || finishing.has_finding();
    } catch (const os::Error& error) {
      os::note(os::format("{} stays: {}", os::quoted(name), error.what()));
    }
    root.clear_debris();
  }
  return out;
}

} // namespace snapfix::cli
