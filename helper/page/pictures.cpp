#include "page/pictures.hpp"

#include "os/format.hpp"
#include "os/time_text.hpp"
#include "os/units.hpp"
#include "page/html.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace snapfix::page {
namespace {

using snapshot::Outcome;
using snapshot::PastRun;

constexpr double k_percent = 100;

double part_of(double part, double whole) {
  return whole > 0 ? std::clamp(k_percent * part / whole, 0.0, k_percent) : 0;
}

std::string cost_row(const char* what, const Against& cost, const std::string& taken,
                     const std::string& full, const char* how,
                     const std::string& more_than_full = "nothing saved") {
  const double part = part_of(cost.taken, cost.full);
  const double more = std::max(cost.taken, cost.full);
  constexpr double k_nearly_all = 99;
  const double less = k_percent - part;
  const auto saved = cost.full <= cost.taken ? more_than_full
                     : less >= k_nearly_all
                         ? os::format("{:.1f} % less", std::floor(less * 10) / 10)
                         : os::format("{:.0f} % less", std::floor(less));
  const double taken_width = cost.taken > 0 ? std::max(part_of(cost.taken, more), 0.4) : 0.0;
  return os::format(
      "<div class=\"cost\"><dt>{}</dt><dd><b>{}</b> <span>{} {}</span> <em>{}</em>"
      "<svg role=\"img\" aria-label=\"{:.1f} percent of full copies\" width=\"100%\" height=\"8\">"
      "<rect class=\"full\" x=\"0\" y=\"0\" width=\"{:.2f}%\" height=\"8\" rx=\"2\"/>"
      "<rect class=\"taken\" x=\"0\" y=\"0\" width=\"{:.2f}%\" height=\"8\" rx=\"2\"/></svg>"
      "</dd></div>\n",
      what, taken, how, full, saved, part, part_of(cost.full, more), taken_width);
}

struct Bar {
  const char* kind;
  double from, to;
};

/// Those of the test's times that are known, in their order.
std::vector<Bar> bars_of(const PastRun& run, double now) {
  const auto& times = run.times;
  std::vector<Bar> out;
  const auto add = [&](const char* kind, double from, double to) {
    if (from > 0 && to > from) {
      out.push_back({kind, from, to});
    }
  };
  add("wait", times.asked, times.taking > 0 ? times.taking : run.finished);
  add("take", times.taking, times.taken);
  const double ended = times.ended > 0 ? times.ended : run.finishing > 0 ? run.finishing : now;
  add("run", times.began, ended);
  add("finish", std::max(run.finishing, times.ended), run.finished);
  return out;
}

/// For each test the lowest lane that is free.
class Lanes {
public:
  std::size_t take(double from, double to) {
    const auto free = std::ranges::find_if(m_ends, [&](double end) { return end <= from; });
    if (free == m_ends.end()) {
      m_ends.push_back(to);
      return m_ends.size() - 1;
    }
    *free = to;
    return static_cast<std::size_t>(free - m_ends.begin());
  }
  std::size_t count() const { return m_ends.size(); }

private:
  std::vector<double> m_ends;
};

class TimeLine {
public:
  explicit TimeLine(const Night& night) : m_night(night) {}
  std::string operator()();

private:
  struct Placed {
    std::size_t lane;
    std::vector<Bar> bars;
    std::size_t test; ///< its index
  };

  double x_of(double time) const { return part_of(time - m_night.began, length()); }
  double length() const { return std::max(m_night.ended - m_night.began, 0.001); }
  void place();
  void draw(const Bar& bar, std::size_t lane, const char* more);
  void draw(const Placed& placed);
  std::string axis() const;

  const Night& m_night;
  Lanes m_lanes;
  std::vector<Placed> m_placed;
  std::size_t m_lane_height = 16;
  std::string m_bars;
  std::string m_marks; ///< on top of all bars
};

void TimeLine::place() {
  for (std::size_t i = 0; i < m_night.tests.size(); ++i) {
    auto bars = bars_of(m_night.tests[i].run, m_night.ended);
    if (!bars.empty()) {
      m_placed.push_back({0, std::move(bars), i});
    }
  }
  std::ranges::sort(m_placed, {}, [](const Placed& placed) { return placed.bars[0].from; });
  for (auto& [lane, bars, test] : m_placed) {
    lane = m_lanes.take(bars.front().from, bars.back().to);
  }
  constexpr std::size_t k_many = 24;
  m_lane_height = m_lanes.count() > k_many ? m_lane_height / 2 : m_lane_height;
}

void TimeLine::draw(const Bar& bar, std::size_t lane, const char* more) {
  constexpr double k_least_width = 0.06; ///< percent
  const double x = x_of(bar.from);
  m_bars +=
      os::format("<rect class=\"{}{}\" x=\"{:.3f}%\" y=\"{}\" width=\"{:.3f}%\" height=\"{}\"/>",
                 bar.kind, more, x, lane * m_lane_height + 2,
                 std::max(x_of(bar.to) - x, k_least_width), m_lane_height * 2 / 3);
}

void TimeLine::draw(const Placed& placed) {
  const auto& test = m_night.tests[placed.test];
  m_bars += os::format("<a href=\"#t{}\" tabindex=\"-1\"><title>{}: {}", placed.test,
                       escaped(test.run.name), os::word_of(test.run.outcome));
  for (const auto& bar : placed.bars) {
    m_bars += os::format(", {} {}", bar.kind, os::human_seconds(bar.to - bar.from));
  }
  m_bars += "</title>";
  for (const auto& bar : placed.bars) {
    draw(bar, placed.lane, test.has_failed() ? " bad" : "");
  }
  m_bars += "</a>\n";
  if (test.has_failed()) {
    m_marks += os::format("<text class=\"bad\" x=\"{:.3f}%\" y=\"{}\" dx=\"1\">✕</text>",
                          x_of(placed.bars.back().to),
                          placed.lane * m_lane_height + 1 + m_lane_height * 2 / 3);
  }
}

std::string TimeLine::axis() const {
  constexpr int k_quarters = 4;
  std::string out;
  for (int i = 0; i <= k_quarters; ++i) {
    out +=
        os::format("<span>{}</span>", i == 0 ? "0" : os::human_seconds(length() * i / k_quarters));
  }
  return out;
}

std::string TimeLine::operator()() {
  for (const auto& freeze : m_night.freezes) {
    const Bar bar{"freeze", freeze.times.taking, freeze.times.taken};
    m_bars += os::format("<g><title>freeze of {}, {}</title>", escaped(freeze.name),
                         os::human_seconds(bar.to - bar.from));
    draw(bar, m_lanes.take(bar.from, bar.to), "");
    m_bars += "</g>\n";
  }
  place();
  std::ranges::for_each(m_placed, [this](const Placed& placed) { draw(placed); });
  if (m_lanes.count() == 0) {
    return "";
  }
  constexpr std::size_t k_many = 200; // marks would hide them on a phone
  return os::format(
      "<section id=\"when\"><h2>When</h2>\n<p class=\"key\">"
      "<span><i class=\"freeze\"></i>freeze</span> <span title=\"for the name, or its turn\"><i "
      "class=\"wait\"></i>waiting</span> "
      "<span title=\"made, or taken over from another test\"><i class=\"take\"></i>getting its "
      "tree</span> <span><i class=\"run\"></i>command</span> "
      "<span><i class=\"bad\"></i>✕ failed</span> <span title=\"checked, and kept or removed\"><i "
      "class=\"finish\"></i>finishing it</span></p>\n"
      "<svg class=\"line{}\" role=\"img\" aria-label=\"Time line of {} tests in {} lanes\" "
      "width=\"100%\" height=\"{}\">\n{}{}</svg>\n<div class=\"axis\">{}</div></section>\n",
      m_placed.size() > k_many ? " many" : "", m_placed.size(), m_lanes.count(),
      m_lanes.count() * m_lane_height + 2, m_bars, m_marks, axis());
}

} // namespace

std::string mark_of(Outcome outcome) {
  const auto mark = [&] {
    switch (outcome) {
    case Outcome::passed:
      return "✓";
    case Outcome::skipped:
      return "–";
    case Outcome::failed:
    case Outcome::killed:
      return "✕";
    case Outcome::running:
      return "▸";
    case Outcome::unknown:
      break;
    }
    return "?";
  };
  return os::format("<span aria-hidden=\"true\">{}</span> {}", mark(),
                    outcome == Outcome::unknown ? "not known" : os::word_of(outcome));
}

std::string reason_of(const PastRun& run) {
  return run.reason + (run.reason.ends_with(snapshot::RunRecord().why_no_end())
                           ? ": it was killed, as ctest does at a TIMEOUT"
                           : "");
}

std::size_t source_writes_of(const PastRun& run) {
  const auto is_one = [](const std::string& line) {
    return line.find(" of the source ") != std::string::npos;
  };
  return run.details ? static_cast<std::size_t>(std::ranges::count_if(run.details->notes, is_one))
                     : 0;
}

std::string time_on_page(double seconds) {
  if (seconds <= 0) {
    return "–";
  }
  auto out = os::to_iso8601({static_cast<std::int64_t>(seconds), 0});
  out.replace(out.find('T'), 1, " ");
  out.pop_back();
  return os::format("<time datetime=\"{}Z\">{} UTC</time>",
                    os::to_iso8601({static_cast<std::int64_t>(seconds), 0}).substr(0, 19), out);
}

std::string cost_picture(const Totals& totals) {
  if (totals.entries.full == 0) {
    return "";
  }
  const auto whole = [](double value) { return static_cast<std::uint64_t>(value); };
  return "<section id=\"cost\"><h2>What it took</h2>\n<dl class=\"costs\">" +
         cost_row("Data written", totals.bytes, os::human_bytes(whole(totals.bytes.taken)),
                  os::human_bytes(whole(totals.bytes.full)), "instead of") +
         cost_row("Entries made", totals.entries, os::human_count(whole(totals.entries.taken)),
                  os::human_count(whole(totals.entries.full)), "instead of") +
         cost_row("Time for trees", totals.seconds, os::human_seconds(totals.seconds.taken),
                  os::human_seconds(totals.seconds.full), "instead of about",
                  "slower by " + os::human_seconds(totals.seconds.taken - totals.seconds.full)) +
         os::format("</dl>\n<p class=\"small\">The grey bar is a full copy for each test; its time "
                    "is reckoned, at "
                    "{:.2f} ms an entry (<code>cp -a</code> on a local disk). The commands "
                    "themselves ran for {} "
                    "together.</p></section>\n",
                    k_seconds_a_copied_entry * 1000, os::human_seconds(totals.run_seconds));
}

std::string time_line(const Night& night) {
  return TimeLine(night)();
}

std::string sparkline(const TestOfNight& test) {
  std::vector<const PastRun*> runs;
  for (const auto* list : {&test.past, &test.tries}) {
    for (const auto& run : *list) {
      runs.push_back(&run);
    }
  }
  runs.push_back(&test.run);
  const auto seconds = [](const PastRun* run) {
    return std::max(run->times.ended - run->times.began, 0.0);
  };
  const double longest = seconds(*std::ranges::max_element(runs, {}, seconds));
  constexpr int k_step = 5;
  constexpr int k_height = 18;
  constexpr int k_room_for_marks = 5;
  std::string bars;
  std::size_t bad = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const bool has_failed =
        runs[i]->outcome == Outcome::failed || runs[i]->outcome == Outcome::killed;
    bad += has_failed ? 1 : 0;
    const double height = std::max(1.0, (k_height - k_room_for_marks) *
                                            (longest > 0 ? seconds(runs[i]) / longest : 0));
    const auto x = static_cast<int>(snapshot::k_most_past_runs - runs.size() + i) * k_step;
    bars += os::format("<rect{} x=\"{}\" y=\"{:.1f}\" width=\"4\" height=\"{:.1f}\"/>",
                       has_failed             ? " class=\"bad\""
                       : i + 1 == runs.size() ? " class=\"now\""
                                              : "",
                       x, k_height - height, height);
    if (has_failed) {
      bars += os::format("<path class=\"bad\" d=\"M{} {:.1f}h4\"/>", x, k_height - height - 2.5);
    }
  }
  return os::format(
      "<svg class=\"spark\" role=\"img\" width=\"100\" height=\"{0}\" viewBox=\"0 0 100 {0}\" "
      "aria-label=\"{1}\"><title>{1}</title>{2}</svg>",
      k_height,
      os::format("its last {} runs, {} failed; the longest {}", runs.size(), bad,
                 os::human_seconds(longest)),
      bars);
}

} // namespace snapfix::page
