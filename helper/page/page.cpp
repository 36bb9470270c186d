#include "page/page.hpp"

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
#include <map>

namespace snapfix::page {
namespace {

constexpr std::size_t k_most_named = 10;

/// `1 test`, `2 tests`.
std::string tests(std::uint64_t count) {
  return os::human_count(count) + (count == 1 ? " test" : " tests");
}

std::string headline(const Night& night) {
  const auto& totals = night.totals;
  const auto all = night.tests.size();
  if (all == 0) {
    return "No test ran in a snapshot";
  }
  if (totals.failed != 0) {
    return os::format("{} of {} failed", os::human_count(totals.failed), tests(all));
  }
  if (totals.running + totals.unknown != 0) {
    return os::format("None of {} failed, as far as is known", tests(all));
  }
  return all == 1 ? "The test passed" : os::format("All {} passed", tests(all));
}

std::string counts(const Totals& totals) {
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
  return out.empty() ? out : "<ul class=\"counts\">" + out + "</ul>";
}

/// What the test said last, before snapfix said something.
std::string last_line_of(const std::string& text) {
  auto lines = os::split(text, '\n');
  const auto is_blank = [](const std::string& line) {
    return line.find_first_not_of(" \t\r") == std::string::npos;
  };
  const auto goes_on = [&](const std::string& line) {
    return is_blank(line) || line.starts_with("  ") || line.starts_with("hint: ") ||
           line.starts_with("[[ATTACHMENT");
  };
  for (;;) {
    const auto last = std::find_if_not(lines.rbegin(), lines.rend(), goes_on);
    if (last == lines.rend() || !last->starts_with("snapfix: ")) {
      break;
    }
    lines.erase(std::prev(last.base()), lines.end());
  }
  const auto last = std::find_if_not(lines.rbegin(), lines.rend(), is_blank);
  return last == lines.rend() ? "" : *last;
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
    const auto line = last_line_of(test.tail);
    out += os::format("<li><a href=\"#t{}\"><bdi>{}</bdi></a> <span>{}</span>{}</li>\n", i,
                      escaped(test.run.name), escaped(reason_of(test.run)),
                      line.empty() ? "" : "<code>" + escaped_lines(line) + "</code>");
  }
  if (out.empty()) {
    return out;
  }
  const auto more = night.totals.failed - named;
  return "<section id=\"failed\"><h2>What failed</h2>\n<ol>" + out + "</ol>" +
         (more == 0 ? "" : os::format("<p>and {} more, below</p>", os::human_count(more))) +
         "</section>\n";
}

std::string warnings(const Night& night) {
  std::string out;
  for (const auto& warning : night.warnings) {
    out += "<p class=\"warn\"><span aria-hidden=\"true\">▲</span> " + escaped(warning) + "</p>\n";
  }
  return out;
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

std::string json_path(std::string path) {
  constexpr std::string_view k_html = ".html";
  if (path.ends_with(k_html)) {
    path.resize(path.size() - k_html.size());
  }
  return path + ".json";
}

} // namespace

std::string page_of(const Night& night) {
  const auto title = headline(night);
  return filled_in(k_page_html, {{"NONCE", make_nonce()},
                                 {"CSS", std::string(k_page_css)},
                                 {"JS", std::string(k_page_js)},
                                 {"TITLE", escaped(title)},
                                 {"STATE", night.totals.failed != 0 ? "bad"
                                           : night.tests.empty()    ? ""
                                                                    : "good"},
                                 {"SUBTITLE", subtitle(night)},
                                 {"COUNTS", counts(night.totals)},
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
  boost::system::error_code failed; // what comes next says it
  boost::filesystem::create_directories(place.substr(0, place.rfind('/')), failed);
  os::write_user_file(place, page_of(night));
  if (!os::is_special_file(place)) {
    os::write_user_file(json_path(place), json_of(night));
  }
}

} // namespace snapfix::page
