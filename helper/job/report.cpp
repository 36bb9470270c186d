#include "job/report.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/split.hpp"
#include "os/units.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

namespace snapfix::job {
namespace {

constexpr std::size_t k_most_notes = 10;

void note_count(std::uint64_t count, const char* what) {
  if (count != 0) {
    os::note(os::format("{} {}", count, what));
  }
}

/// A tree with thousands of the same oddity must not bury everything else.
void print_some(const std::vector<std::string>& texts, void (*print)(std::string_view)) {
  for (std::size_t i = 0; i < texts.size() && i < k_most_notes; ++i) {
    print(texts[i]);
  }
  if (texts.size() > k_most_notes) {
    print(os::format("and {} more like these: --json shows all", texts.size() - k_most_notes));
  }
}

/// Only for a dashboard it does: else measurements are in the way of who reads a test's output, and
/// leave an empty line in JUnit's. Another caller than ctest gets them always.
bool ctest_writes_test_xml() {
  const auto parent = os::parent_process();
  if (os::process_name(parent) != "ctest") {
    return true;
  }
  constexpr std::array<std::string_view, 8> k_options{
      "-T", "-D", "-S", "-M", "--test-action", "--test-model", "--dashboard", "--script"};
  const auto words =
      os::split(os::read_proc(os::format("/proc/{}/cmdline", parent)).value_or(""), '\0');
  return std::ranges::any_of(words, [&](std::string_view word) {
    return std::ranges::any_of(k_options, [&](auto option) { return word.starts_with(option); });
  });
}

} // namespace

std::vector<std::string> guard_lines(const snapshot::GuardRecord& guard) {
  std::vector<std::string> out{os::format("guard      {}{}", os::word_of(guard.state),
                                          guard.reason.empty() ? "" : " (" + guard.reason + ")")};
  if (!guard.report) {
    return out;
  }
  for (const auto& [path, program, call] : guard.report->made_private) {
    out.push_back(os::format("           {} became private: {} of {}", os::quoted(path), call,
                             os::quoted(program)));
  }
  for (const auto& [call, cost] : guard.report->calls) {
    out.push_back(os::format("           {} answered {} in {:.6f} s", call,
                             os::counted(cost.count, "time"), cost.seconds));
  }
  const auto add = [&](const snapshot::GuardReport::Counts& cases, const char* text) {
    for (const auto& [what, count] : cases) {
      out.push_back(os::format("           {} ({}): {}", text, os::counted(count, "time"), what));
    }
  };
  add(guard.report->unjudged, "could not be judged");
  add(guard.report->failed, "could not be made private");
  return out;
}

void print_measurement(const std::string& name, double value) {
  static const bool k_are_wanted = ctest_writes_test_xml();
  if (!k_are_wanted) {
    return;
  }
  os::print("<CTestMeasurement type=\"numeric/double\" name=\"{}\">{:.12g}</CTestMeasurement>",
            name, value);
}

void print_attachment(const std::string& path) {
  if (ctest_writes_test_xml()) {
    os::print("<CTestMeasurementFile type=\"file\" name=\"pack\">{}</CTestMeasurementFile>", path);
  }
  os::print("[[ATTACHMENT|{}]]\n", path);
  std::fflush(stdout); // the last lines are for people
}

void print_measurements(const snapshot::Ledger& ledger) {
  print_measurement("snapshot.linked", static_cast<double>(ledger.linked));
  print_measurement("snapshot.reflinked", static_cast<double>(ledger.reflinked));
  print_measurement("snapshot.copied", static_cast<double>(ledger.copied()));
  print_measurement("snapshot.bytes_shared", static_cast<double>(ledger.bytes_shared));
  print_measurement("snapshot.bytes_copied", static_cast<double>(ledger.bytes_copied));
  print_measurement("snapshot.entries", static_cast<double>(ledger.entries()));
  print_measurement("snapshot.seconds", ledger.seconds);
}

void print_measurements(const snapshot::Frozen& frozen) {
  print_measurement("freeze.files_read", static_cast<double>(frozen.counts.files_read));
  print_measurement("freeze.bytes_read", static_cast<double>(frozen.counts.bytes_read));
  print_measurement("freeze.bytes_copied", static_cast<double>(frozen.counts.bytes_copied));
  print_measurement("freeze.seconds", frozen.seconds);
}

void print_measurements(const snapshot::Verified& verified) {
  print_measurement("snapshot.private", static_cast<double>(verified.made_private));
  print_measurement("snapshot.bytes_private", static_cast<double>(verified.bytes_private));
  print_measurement("snapshot.added", static_cast<double>(verified.added));
  print_measurement("snapshot.findings", static_cast<double>(verified.findings.size()));
}

void print_notes(const snapshot::Frozen& frozen) {
  note_count(frozen.left_out.deleted,
             "tracked files are not in the work tree (deleted, or replaced): left out");
  note_count(frozen.left_out.sparse, "files are outside the sparse checkout: left out");
  note_count(frozen.left_out.special, "FIFOs, sockets or devices: left out");
  print_some(frozen.notes, os::note);
  print_some(frozen.warnings, os::warn);
}

void print_notes(const snapshot::Created& created) {
  if (created.frozen) {
    print_notes(*created.frozen);
  }
  print_some(created.notes, os::note);
  for (const auto& [reason, count] : created.ledger.copied_by_reason) {
    if (reason != "requested" && reason != "link-mode" && (created.made || created.refreshed)) {
      os::note(
          os::format("copied, as links were refused: {} ({})", os::counted(count, "file"), reason));
    }
  }
}

void print_findings(const snapshot::Verified& verified) {
  for (const auto& note : verified.notes) {
    os::note(note);
  }
  for (const auto& finding : verified.findings) {
    os::print_error(
        os::Error(os::format("{} was changed through a link ({})", os::quoted(finding.path),
                             os::joined(finding.what, ", "))));
    os::print(stderr, "  shared by: {}\n", os::joined(finding.suspects, ", "));
  }
  if (verified.findings.empty()) {
    return;
  }
  if (!verified.not_healed.empty()) {
    os::print_error(os::Error("the store has not been healed: " + verified.not_healed));
  }
  if (!verified.unguarded.empty()) {
    os::print(stderr, "  ran without the guard: {}\n", os::joined(verified.unguarded, ", "));
    os::print_hint(
        "one that ran without the guard may have written to shared files in place, which "
        "reaches all that share them: run it under the guard (--guard, GUARD in "
        "add_snapshot_test; 'snapfix doctor' tells what it lacks)");
  }
  if (!verified.never_run.empty()) {
    os::print(stderr, "  snapfix has run nothing in: {}\n", os::joined(verified.never_run, ", "));
    os::print_hint(
        "one in which snapfix has run nothing was most likely written to from outside (by "
        "you, by hand, a job that was started in it, an editor), or by a test that uses it as a "
        "fixture: let 'snapfix run NAME -- COMMAND' start what works there, which guards it");
  }
  if (verified.unguarded.empty() && verified.never_run.empty()) {
    os::print_hint(
        "what snapfix ran in them ran under the guard: the writer worked in a snapshot that is "
        "gone "
        "(see which other test failed), or is no process of theirs (you, by hand, a daemon, an "
        "editor, a container), or got past the guard (docs/isolation.md says how), or this is a "
        "defect of snapfix");
  }
  os::print_hint(
      "files that are written to in place can be made private from the start: --copy (COPY)");
  if (verified.healed != 0) {
    os::print_hint(
        "the store has been healed: made anew (--fresh, a test's next run) they are right");
  }
}

void print_left(const std::vector<std::string>& left) {
  for (const auto& entry : left) {
    os::note("stays in the trash: " + entry);
  }
}

} // namespace snapfix::job
