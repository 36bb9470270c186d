#include "page/tests.hpp"

#include "job/pasteable.hpp"
#include "os/format.hpp"
#include "os/units.hpp"
#include "page/html.hpp"
#include "page/pictures.hpp"

#include <algorithm>
#include <utility>

namespace snapfix::page {
namespace {

using snapshot::Outcome;

constexpr std::size_t k_most_open = 20;
constexpr double k_least_told = 0.005; ///< seconds
constexpr double k_slow = 2;
constexpr double k_worth_telling = 1; ///< seconds

std::string row(const char* term, const std::string& html) {
  return html.empty() ? "" : os::format("<div><dt>{}</dt><dd>{}</dd></div>\n", term, html);
}

std::string bdi(const std::string& text) {
  return "<bdi>" + escaped(text) + "</bdi>";
}

std::string list_of(const std::vector<std::string>& lines, std::uint64_t more) {
  std::string out;
  for (const auto& line : lines) {
    out += "<li>" + bdi(line) + "</li>";
  }
  if (more != 0) {
    out += os::format("<li>and {} more</li>", more);
  }
  return out.empty() ? out : "<ul>" + out + "</ul>";
}

std::string command(const char* what, const std::string& words) {
  return words.empty() ? "" : row(what, "<code class=\"paste\">" + escaped(words) + "</code>");
}

double seconds_between(double from, double to) {
  return from > 0 ? std::max(to - from, 0.0) : 0;
}

std::string end_of(const snapshot::RunDetails& details) {
  if (!details.end) {
    return "no end is recorded";
  }
  return details.end->signal != 0 ? os::format("killed by signal {}", details.end->signal)
                                  : os::format("exit code {}", details.end->status);
}

/// How this run's time is to those before; empty if it is nothing to speak of.
std::string slowness(const TestOfNight& test) {
  std::vector<double> past;
  for (const auto& run : test.past) {
    if (run.outcome == Outcome::passed) {
      past.push_back(seconds_between(run.times.began, run.times.ended));
    }
  }
  constexpr std::size_t k_enough = 3;
  if (past.size() < k_enough) {
    return "";
  }
  std::ranges::sort(past);
  const double usual = past[past.size() / 2];
  const double now = test.seconds;
  return now > k_slow * usual && now - usual > k_worth_telling
             ? os::format("{:.1f} times its usual {}", now / usual, os::human_seconds(usual))
             : "";
}

/// What is to be said of a test on one line.
std::string gist(const TestOfNight& test) {
  const auto& run = test.run;
  std::vector<std::string> parts;
  if (!run.reason.empty()) {
    parts.push_back(escaped_lines(reason_of(run)));
  }
  if (!test.tries.empty()) {
    parts.push_back(os::format("attempt {}", test.tries.size() + 1));
  }
  if (!test.fixture.empty()) {
    parts.push_back("in the snapshot of " + bdi(test.fixture));
  } else if (test.stands) {
    parts.emplace_back(run.why_kept.empty() || run.why_kept == run.reason
                           ? "snapshot kept"
                           : "snapshot kept: " + escaped(run.why_kept));
  }
  if (run.details && run.details->changes) {
    const auto& changes = *run.details->changes;
    for (const auto& [count, what] :
         {std::pair(changes.made_private, "private"), std::pair(changes.added, "new"),
          std::pair(changes.missing, "gone")}) {
      if (count != 0) {
        parts.push_back(os::format("{} {}", os::human_count(count), what));
      }
    }
  }
  if (const auto count = source_writes_of(run); count != 0) {
    const bool are_all = run.details->notes.size() < snapshot::k_most_details;
    parts.push_back(os::format("writes to the source: {}{}", are_all ? "" : "at least ", count));
  }
  if (const auto slow = slowness(test); !slow.empty()) {
    parts.push_back(slow);
  }
  return !parts.empty()                        ? os::joined(parts, " · ")
         : run.details && run.details->changes ? "no file changed"
                                               : "details";
}

std::string private_files(const snapshot::RunDetails& details) {
  std::string out;
  for (const auto& [path, program, call] : details.made_private) {
    out += os::format("<li>{} <span class=\"by\">by {} ({})</span></li>", bdi(path), bdi(program),
                      escaped(call));
  }
  if (details.more_private != 0) {
    out += os::format("<li>and {} more</li>", details.more_private);
  }
  return out.empty() ? out : "<ul>" + out + "</ul>";
}

std::string output_of(const TestOfNight& test, const Night& night) {
  if (!test.tail.empty()) {
    // What snapfix said behind it is in the rows below. What could not be run has no other words.
    const auto own = own_lines_of(test.tail);
    const bool is_all = own.empty() || test.run.times.began == 0;
    return os::format("<p class=\"cap\">{}</p><div class=\"out\" tabindex=\"0\" role=\"region\" "
                      "aria-label=\"Output\"><pre>{}</pre></div>\n",
                      test.is_cut ? "Its last lines" : "Its output",
                      escaped_lines(is_all ? test.tail : own));
  }
  if (!test.has_failed()) {
    return "";
  }
  if (!night.log.empty()) {
    return "<p class=\"cap\">It printed nothing that ctest's log has.</p>\n";
  }
  return night.ctest.empty()
             ? "<p class=\"cap\">Its output is where it was run from: snapfix keeps none.</p>\n"
             : os::format("<p class=\"cap\">Its output is in <code>{}</code>, or in that ctest's "
                          "own output.</p>\n",
                          escaped(night.ctest + "/Testing/Temporary/LastTest.log"));
}

std::string facts_of(const TestOfNight& test) {
  const auto& run = test.run;
  std::string out;
  if (run.details) {
    out += row("Findings", list_of(run.details->findings, 0));
    out += row("Notes", list_of(run.details->notes, 0));
  }
  out += command("A shell in it", test.enter) + command("Run it again", test.rerun) +
         command("Pack it", test.pack) + command("With ctest", test.again);
  if (run.details) {
    const auto& details = *run.details;
    out += row("Became private", private_files(details));
    out += row("New files", list_of(test.added, test.more_added));
    if (!details.command.empty()) {
      std::vector<std::string> words;
      for (const auto& word : details.command) {
        words.push_back(job::shell_word(word));
      }
      out += command("Command", os::joined(words, " "));
      out += row("Ended", end_of(details));
    }
    out += row("Guard", escaped(details.guard));
    out += command("Packed", details.pack);
  }
  if (!test.fixture.empty()) {
    out += row("Snapshot", bdi(test.fixture) + ", of a fixture that its tests share");
  }
  if (run.times.asked > 0) {
    out += row("Node", bdi(run.host));
    out += row("Began", time_on_page(run.times.asked));
  }
  if (run.tree.entries != 0) {
    out += row("Tree", os::format("{} entries, {}{}", os::human_count(run.tree.entries),
                                  os::human_bytes(run.tree.bytes),
                                  run.tree.handed_on ? ", handed on from another test" : ""));
  }
  return out;
}

std::string cell(const char* label, double seconds) {
  const bool is_told = seconds >= k_least_told;
  return os::format("<td class=\"n{}\" data-l=\"{}\" data-v=\"{:.6f}\">{}</td>",
                    is_told ? "" : " none", label, seconds,
                    is_told ? os::human_seconds(seconds) : "–");
}

std::string body_of(const TestOfNight& test, const Night& night, std::size_t index) {
  const auto& run = test.run;
  const auto& times = run.times;
  std::string out =
      os::format("<tbody id=\"t{}\" class=\"{}\">\n<tr><th scope=\"row\" data-v=\"{}\">{}</th>"
                 "<td class=\"o\" data-v=\"{}\">{}</td>",
                 index, test.has_failed() ? "bad" : "", index, bdi(run.name),
                 test.has_failed() ? 0 : 1 + static_cast<int>(run.outcome), mark_of(run.outcome));
  out += os::format("<td class=\"n{}\" data-l=\"at\" data-v=\"{:.6f}\">{}</td>",
                    times.asked > 0 ? "" : " none", times.asked,
                    times.asked > 0 ? "+" + os::human_seconds(times.asked - night.began) : "–");
  out += cell("waited", seconds_between(times.asked, times.taking)) +
         cell("take", seconds_between(times.taking, times.taken)) + cell("command", test.seconds) +
         cell("finish", seconds_between(run.finishing, run.finished));
  if (night.hosts.size() > 1) {
    out += os::format("<td data-l=\"node\">{}</td>", bdi(run.host));
  }
  out += os::format("<td class=\"s\">{}</td></tr>\n", times.asked > 0 ? sparkline(test) : "");
  const bool is_open = test.has_failed() && index < k_most_open;
  out += os::format("<tr class=\"more\"><td colspan=\"9\"><details{}><summary>{}</summary>\n<div "
                    "class=\"in\">{}<dl>{}</dl></div></details></td></tr>\n</tbody>\n",
                    is_open ? " open" : "", gist(test), output_of(test, night), facts_of(test));
  return out;
}

} // namespace

std::string tests_table(const Night& night) {
  if (night.tests.empty()) {
    return "";
  }
  const auto head = [](const char* what, const char* kind, const char* title = "") {
    return os::format("<th scope=\"col\" class=\"{}\"><button type=\"button\" title=\"{}\" "
                      "disabled>{}</button></th>",
                      kind, title, what);
  };
  std::string out =
      "<section id=\"tests\"><h2>Tests</h2>\n<form role=\"search\" hidden><label "
      "for=\"q\">Search</label> <input id=\"q\" type=\"search\" autocomplete=\"off\" "
      "spellcheck=\"false\" placeholder=\"name, outcome, file, output\"> <kbd>/</kbd> "
      "<output id=\"hits\" for=\"q\" aria-live=\"polite\"></output></form>\n<table>\n"
      "<caption class=\"sr\">All tests, failed ones first</caption>\n<thead><tr>";
  out += head("Test", "") + head("Outcome", "") + head("Started", "n") +
         head("Waited", "n", "for the name, or its turn") +
         head("Take", "n", "until its tree was made, or taken over from another test") +
         head("Command", "n", "how long the test's own command ran") +
         head("Finish", "n", "until its snapshot was checked, and kept or removed");
  if (night.hosts.size() > 1) {
    out += head("Node", "node");
  }
  out += "<th scope=\"col\" class=\"n\">Last runs</th></tr></thead>\n";
  for (std::size_t i = 0; i < night.tests.size(); ++i) {
    out += body_of(night.tests[i], night, i);
  }
  return out + "</table></section>\n";
}

} // namespace snapfix::page
