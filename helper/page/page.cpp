#include "page/page.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/process.hpp"
#include "os/split.hpp"
#include "os/time_text.hpp"
#include "os/units.hpp"
#include "os/user_file.hpp"
#include "os/version.hpp"
#include "page/html.hpp"
#include "page/pictures.hpp"
#include "page/tests.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <cerrno>
#include <map>

namespace snapfix::page {
namespace {

constexpr std::size_t k_most_named = 10;

/// `1 test`, `2 tests`.
std::string tests(std::uint64_t count) {
  return os::human_count(count) + (count == 1 ? " test" : " tests");
}

/// Behind what is said of the tests in snapshots.
std::string and_others(const Night& night) {
  const auto count = night.others.size();
  return count == 0 ? ""
                    : os::format("; {} {} failed outside", os::human_count(count),
                                 count == 1 ? "other" : "others");
}

std::string headline(const Night& night) {
  const auto& totals = night.totals;
  const auto all = night.tests.size();
  if (all == 0) {
    return "No test ran in a snapshot" + and_others(night);
  }
  const auto is_without_run = [](const TestOfNight& test) {
    return test.run.times.asked == 0 && test.fixture.empty();
  };
  if (night.tests[0].is_freeze() && std::ranges::all_of(night.tests, is_without_run)) {
    return "No test ran: the source could not be frozen";
  }
  if (totals.failed != 0) {
    return os::format("{} of {} failed", os::human_count(totals.failed), tests(all)) +
           and_others(night);
  }
  if (totals.running + totals.unknown != 0) {
    return os::format("None of {} failed, as far as is known", tests(all)) + and_others(night);
  }
  return (all == 1 ? "The test passed" : os::format("All {} passed", tests(all))) +
         and_others(night);
}

std::string disabled(const Night& night) {
  auto names = night.disabled;
  if (names.size() > k_most_named) {
    names.resize(k_most_named);
    names.push_back(os::format("{} more", night.disabled.size() - k_most_named));
  }
  return names.empty()
             ? ""
             : "<p class=\"small\">Disabled: " + escaped(os::joined(names, ", ")) + "</p>";
}

std::string counts(const Night& night) {
  const auto& totals = night.totals;
  std::string out;
  const auto add = [&](const char* kind, const char* mark, std::uint64_t count, const char* what) {
    if (count != 0) {
      out += os::format("<li class=\"{}\"><span aria-hidden=\"true\">{}</span> <b>{}</b> {}</li>",
                        kind, mark, os::human_count(count), what);
    }
  };
  add("bad", "✕", totals.failed, "failed");
  add("good", "✓", totals.passed, "passed");
  add("", "–", totals.skipped, "skipped");
  add("", "?", totals.unknown, "judged by their output, which ctest alone sees");
  add("", "▸", totals.running, "running");
  add("", "▣", totals.kept, totals.kept == 1 ? "snapshot kept" : "snapshots kept");
  add("", "–", night.disabled.size(), "disabled");
  return out.empty() ? out
                     : "<ul class=\"counts\">" + out + "</ul>" + disabled(night) +
                           "<p class=\"small\">ctest counts freezes, and what ends its run, as "
                           "tests, too.</p>";
}

/// What the test said last, before snapfix said something.
std::string last_line_of(const std::string& text) {
  const auto lines = os::split(own_lines_of(text), '\n');
  const auto is_blank = [](const std::string& line) {
    return line.find_first_not_of(" \t\r") == std::string::npos;
  };
  const auto last = std::find_if_not(lines.rbegin(), lines.rend(), is_blank);
  return last == lines.rend() ? "" : *last;
}

/// What snapfix found or could not do, and what the test said last.
std::string decisive_lines_of(const TestOfNight& test) {
  std::string out;
  const auto add = [&](const std::string& line) {
    out += line.empty() ? "" : "<code>" + escaped_lines(line) + "</code>";
  };
  if (test.run.details && !test.run.details->findings.empty()) {
    add(test.run.details->findings[0]);
  }
  add(test.is_freeze() ? error_in(test.tail) : last_line_of(test.tail));
  return out;
}

/// Failed tests of that ctest that ran in no snapshot.
std::string others(const Night& night) {
  std::string out;
  const auto named = std::min(night.others.size(), k_most_named);
  for (std::size_t i = 0; i < named; ++i) {
    const auto& test = night.others[i];
    const auto last = last_line_of(test.tail);
    out += os::format("<li><b><bdi>{}</bdi></b> <span>{}</span>{}</li>\n", escaped(test.name),
                      escaped_lines(test.reason),
                      last.empty() ? "" : "<code>" + escaped_lines(last) + "</code>");
  }
  if (out.empty()) {
    return out;
  }
  const auto more = night.others.size() - named;
  return "<section id=\"others\"><h2>What failed outside snapshots</h2>\n<ol>" + out + "</ol>" +
         (more == 0 ? "" : os::format("<p>and {} more</p>", os::human_count(more))) +
         "<p>All that ctest has of them: <code>" + escaped(night.log) + "</code></p></section>\n";
}

/// What a newcomer looks for: which failed, why, and what each said last.
std::string failures(const Night& night) {
  std::string out;
  std::size_t named = 0;
  for (std::size_t i = 0; i < night.tests.size() && named < k_most_named; ++i) {
    const auto& test = night.tests[i];
    if (!test.has_failed()) {
      continue;
    }
    ++named;
    out += os::format("<li><a href=\"#t{}\"><bdi>{}</bdi></a> <span>{}</span>{}</li>\n", i,
                      escaped(test.run.name), escaped_lines(reason_of(test.run)),
                      decisive_lines_of(test));
  }
  if (out.empty()) {
    return others(night);
  }
  const auto more = night.totals.failed - named;
  return "<section id=\"failed\"><h2>What failed</h2>\n<ol>" + out + "</ol>" +
         (more == 0 ? ""
                    : os::format("<p>and <a href=\"#t{}\">{} more</a>, below</p>", named,
                                 os::human_count(more))) +
         "</section>\n" + others(night);
}

/// Those that tried to write to the source, or did.
std::string writers(const Night& night) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < night.tests.size(); ++i) {
    if (source_writes_of(night.tests[i].run) != 0) {
      out.push_back(
          os::format("<a href=\"#t{}\"><bdi>{}</bdi></a>", i, escaped(night.tests[i].run.name)));
    }
  }
  if (out.size() > k_most_named) {
    const auto more = out.size() - k_most_named;
    out.resize(k_most_named);
    out.push_back(os::format("{} more", more));
  }
  return out.empty() ? ""
                     : "<p class=\"warn\">Tests that wrote to the source, or tried to: " +
                           os::joined(out, ", ") + "</p>\n";
}

std::string warnings(const Night& night) {
  std::string out;
  for (const auto& warning : night.warnings) {
    out += "<p class=\"warn\"><span aria-hidden=\"true\">▲</span> " + escaped(warning) + "</p>\n";
  }
  return out.empty() ? out : out + writers(night);
}

std::string subtitle(const Night& night) {
  std::vector<std::string> parts;
  for (const auto& source : night.sources) {
    parts.push_back("<bdi>" + escaped(source) + "</bdi>");
  }
  if (night.hosts.size() == 1) {
    parts.push_back("on " + escaped(night.hosts[0]));
  } else if (night.hosts.size() > 1) {
    parts.push_back(os::format("on {} nodes", night.hosts.size()));
  }
  if (night.began > 0) {
    parts.push_back(time_on_page(night.began));
    parts.push_back(os::human_seconds(night.ended - night.began));
  } else if (!night.log_began.empty()) {
    parts.push_back(escaped(night.log_began));
  }
  return os::joined(parts, " · ");
}

std::string empty_state(const Night& night) {
  if (!night.tests.empty()) {
    return "";
  }
  return "<p class=\"empty\">Nothing is recorded of tests in <code>" + escaped(night.root) +
         "</code> by this run. Were they left out by a filter, or was their freeze? ctest's own "
         "words are in "
         "<code>Testing/Temporary/LastTest.log</code>.</p>\n";
}

/// Nobody who wrote a test's output can know it.
std::string make_nonce() {
  const auto now = os::now();
  return os::hash_of(os::format("{} {} {} {}", now.seconds, now.nanoseconds, os::this_process(),
                                os::this_machine()))
      .hex();
}

/// Each @NAME@ of the template, once: what is put there is not looked at again.
std::string filled_in(std::string_view form,
                      const std::map<std::string_view, std::string>& values) {
  std::string out;
  for (;;) {
    const auto begin = form.find('@');
    const auto end = begin == std::string_view::npos ? begin : form.find('@', begin + 1);
    if (end == std::string_view::npos) {
      return out.append(form);
    }
    out.append(form.substr(0, begin));
    out.append(values.at(form.substr(begin + 1, end - begin - 1)));
    form.remove_prefix(end + 1);
  }
}

std::string state_of(const Night& night) {
  if (night.totals.failed != 0 || !night.others.empty()) {
    return "bad";
  }
  return night.tests.empty() ? "" : "good";
}

constexpr std::string_view k_json = ".json";

std::string json_path(std::string path) {
  constexpr std::string_view k_html = ".html";
  if (path.ends_with(k_html)) {
    path.resize(path.size() - k_html.size());
  }
  return path.append(k_json);
}

} // namespace

std::string page_of(const Night& night) {
  const auto title = headline(night);
  return filled_in(k_page_html, {{"NONCE", make_nonce()},
                                 {"CSS", std::string(k_page_css)},
                                 {"JS", std::string(k_page_js)},
                                 {"TITLE", escaped(title)},
                                 {"STATE", state_of(night)},
                                 {"SUBTITLE", subtitle(night)},
                                 {"COUNTS", counts(night)},
                                 {"WARNINGS", warnings(night) + empty_state(night)},
                                 {"FAILED", failures(night)},
                                 {"COST", night.tests.empty() ? "" : cost_picture(night.totals)},
                                 {"TIMELINE", time_line(night)},
                                 {"TESTS", tests_table(night)},
                                 {"ROOT", escaped(night.root)},
                                 {"VERSION", os::version()},
                                 {"NOW", time_on_page(os::to_seconds(os::now()))},
                                 {"", "@"}});
}

void write_page(const Night& night, const std::string& path) {
  const auto place = os::absolute_path(path);
  if (place.ends_with(k_json)) {
    throw os::Error(os::format("the page cannot be called {}", os::quoted(path)),
                    "the JSON is written beside the page: FILE.json for FILE.html");
  }
  if (const auto json = json_path(place); os::is_folder(json) && !os::is_special_file(place)) {
    throw os::Error("write", {json}, EISDIR); // before half of it is there
  }
  boost::system::error_code failed; // what comes next says it
  boost::filesystem::create_directories(place.substr(0, place.rfind('/')), failed);
  os::write_user_file(place, page_of(night));
  if (!os::is_special_file(place)) {
    os::write_user_file(json_path(place), json_of(night));
  }
}

} // namespace snapfix::page
