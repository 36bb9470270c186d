#include "page/ctest_log.hpp"

#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/split.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>

namespace snapfix::page {
namespace {

constexpr std::string_view k_header = " Testing: ";
constexpr std::string_view k_line =
    "\n----------------------------------------------------------\n";
constexpr std::string_view k_output = "\nOutput:";
constexpr std::string_view k_end_of_output = "<end of output>\nTest time = ";
constexpr std::size_t k_most_lines = 40;
constexpr std::size_t k_most_bytes = 8000;
constexpr std::uint64_t k_largest = std::uint64_t{1} << 28; ///< a log of more is not read

/// What stands behind `key` on its line; empty if there is no such line.
std::string_view line_behind(std::string_view text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string_view::npos) {
    return {};
  }
  const auto begin = at + key.size();
  return text.substr(begin, text.find('\n', begin) - begin);
}

struct Header {
  std::string_view total; ///< how many tests that ctest has
  std::string_view name;
};

/// `3/12 Testing: name`, and `3/12 Test: name` on the next line; nothing if `text` begins
/// otherwise.
std::optional<Header> header_at(std::string_view text) {
  const auto line = text.substr(0, text.find('\n'));
  const auto slash = line.find_first_not_of("0123456789");
  if (slash == 0 || slash == std::string_view::npos || line[slash] != '/') {
    return std::nullopt;
  }
  const auto end = line.find_first_not_of("0123456789", slash + 1);
  if (end == std::string_view::npos || !line.substr(end).starts_with(k_header)) {
    return std::nullopt;
  }
  const Header out{line.substr(slash + 1, end - slash - 1), line.substr(end + k_header.size())};
  const auto next = os::format("\n{} Test: {}\n", line.substr(0, end), out.name);
  return text.substr(line.size()).starts_with(next) ? std::optional(out) : std::nullopt;
}

/// Where the output of the section that begins there has ended.
std::size_t end_of_output(std::string_view text, std::size_t section) {
  const auto output = text.find(k_output, section);
  const auto end = text.find(k_end_of_output, std::min(output, text.size()));
  return std::min(end, text.size());
}

void take_tail(std::string_view output, LoggedTest& out) {
  while (output.ends_with('\n')) {
    output.remove_suffix(1);
  }
  std::size_t begin = output.size();
  for (std::size_t lines = 0; begin > 0 && lines < k_most_lines; ++lines) {
    const auto newline = output.rfind('\n', begin - 1);
    begin = newline == std::string_view::npos ? 0 : newline;
  }
  begin = std::max(begin, output.size() - std::min(output.size(), k_most_bytes));
  out.is_cut = begin != 0;
  out.tail = output.substr(begin);
  out.tail.erase(0, out.tail.starts_with('\n') ? 1 : 0);
}

void take_verdict(std::string_view text, LoggedTest& out) {
  using enum snapshot::Outcome;
  if (text.find("\nTest Passed.\n") != std::string_view::npos) {
    out.outcome = passed;
  } else if (text.find("\nTest Failed.\n") != std::string_view::npos) {
    out.outcome = failed;
  } else if (text.find("\nTest Fail Reason:\n") != std::string_view::npos) {
    out.outcome = failed;
    out.reason = line_behind(text, "\nTest Fail Reason:\n");
  } else if (text.find("\nTest Pass Reason:\n") != std::string_view::npos) {
    const auto reason = line_behind(text, "\nTest Pass Reason:\n");
    if (reason.starts_with("Skip")) {
      out.outcome = skipped;
      out.reason = reason;
    } else {
      out.outcome = passed;
    }
  }
}

/// One test's section, without the line that names it.
void take_section(std::string_view section, LoggedTest& out) {
  const auto output = section.find(k_output);
  const auto head = section.substr(0, output);
  out.command = line_behind(head, "Command: ");
  if (out.command == "\"\"") {
    out.command.clear();
  }
  out.folder = line_behind(head, "\nDirectory: ");
  out.start = line_behind(head, " start time: ");
  const auto line = output == std::string_view::npos ? output : section.find(k_line, output);
  const auto begin = line == std::string_view::npos ? line : line + k_line.size();
  const auto end = section.rfind(k_end_of_output); // it may print that itself
  if (begin != std::string_view::npos && end != std::string_view::npos && begin <= end) {
    take_tail(section.substr(begin, end - begin), out);
    take_verdict(section.substr(end), out);
    const auto seconds = line_behind(section.substr(end), "\nTest time = ");
    const auto number = seconds.substr(std::min(seconds.size(), seconds.find_first_not_of(' ')));
    std::from_chars(number.data(), number.data() + number.size(), out.seconds);
  }
  // ctest's log says of what was not run that it passed.
  if (!out.lacks.empty() || (!out.reason.empty() && out.command.empty())) {
    out.outcome = snapshot::Outcome::failed;
  } else if (out.command.empty() && out.outcome == snapshot::Outcome::passed) {
    out.outcome = snapshot::Outcome::skipped;
    out.is_disabled = true;
  }
}

/// What ctest says right before the section of a test that it could not run.
void take_obstacle(std::string_view before, LoggedTest& out) {
  before.remove_suffix(before.ends_with('\n') ? 1 : 0);
  const auto newline = before.rfind('\n');
  const auto line = before.substr(newline == std::string_view::npos ? 0 : newline + 1);
  constexpr std::string_view k_lacks = "Failed test dependencies: ";
  if (line.starts_with(k_lacks)) {
    out.lacks = line.substr(k_lacks.size());
  } else if (line.starts_with("Unable to find ") || line.starts_with("Failed to change ")) {
    out.reason = line;
  }
}

bool is_log(std::string_view name) {
  return name.starts_with("LastTest") && name.find(".log") != std::string_view::npos &&
         !name.starts_with("LastTests");
}

} // namespace

std::vector<LoggedTest> tests_in_log(std::string_view text) {
  std::vector<LoggedTest> out;
  std::size_t section = 0;
  std::string_view total;
  const auto close = [&](std::size_t end) {
    if (!out.empty()) {
      take_section(text.substr(section, end - section), out.back());
    }
  };
  // A header has the M of the first one, and stands in no output: a test may print such a log.
  std::size_t from = 0;
  for (std::size_t at = text.find(k_header); at != std::string_view::npos;
       at = text.find(k_header, from)) {
    const auto newline = text.find_last_not_of("0123456789/", at - std::min<std::size_t>(at, 1));
    const auto begin = newline == std::string_view::npos ? 0 : newline + 1;
    const auto header = header_at(text.substr(begin));
    from = at + 1;
    if (header && (begin == 0 || text[newline] == '\n') &&
        (out.empty() || header->total == total)) {
      close(begin);
      auto& test = out.emplace_back();
      test.name = header->name;
      total = header->total;
      take_obstacle(text.substr(section, begin - section), test);
      section = text.find('\n', at);
      from = end_of_output(text, section);
    }
  }
  close(text.size());
  return out;
}

std::string error_in(const std::string& output) {
  return std::string(line_behind("\n" + output, "\nsnapfix: error: "));
}

std::string own_lines_of(const std::string& output) {
  const auto goes_on = [](const std::string& line) {
    return line.find_first_not_of(" \t\r") == std::string::npos || line.starts_with("  ") ||
           line.starts_with("hint: ") || line.starts_with("[[ATTACHMENT");
  };
  auto lines = os::split(output, '\n');
  for (;;) {
    const auto last = std::find_if_not(lines.rbegin(), lines.rend(), goes_on);
    if (last == lines.rend() || !last->starts_with("snapfix: ")) {
      return os::joined(lines, "\n");
    }
    lines.erase(std::prev(last.base()), lines.end());
  }
}

CtestLog read_ctest_log(const std::string& folder) {
  CtestLog out;
  const std::string place = folder + "/Testing/Temporary";
  try {
    if (folder.empty() || !os::is_folder(place)) {
      return out;
    }
    const auto dir = os::Dir::open(place);
    std::string newest;
    os::Time mtime;
    std::uint64_t size = 0;
    for (const auto& entry : dir.entries()) {
      const auto stat = is_log(entry.name) ? dir.try_stat(entry.name.c_str()) : std::nullopt;
      if (stat && stat->is_file() && (newest.empty() || mtime < stat->mtime)) {
        newest = entry.name;
        mtime = stat->mtime;
        size = stat->size;
      }
    }
    if (!newest.empty()) {
      // Not mapped: one that runs may cut it meanwhile.
      out.is_too_large = size > k_largest;
      const auto text =
          out.is_too_large ? "" : os::read_small_file(dir, newest.c_str()).value_or("");
      out.tests = tests_in_log(text);
      out.began = line_behind(text, "Start testing: ");
      // Until ctest ends there is `.tmp` behind it, since CMake 4 with some letters of chance.
      out.path = dir.path_of(newest.substr(0, newest.rfind(".tmp")).c_str());
    }
  } catch (const os::Error&) { // what it would have told is not there
  }
  return out;
}

} // namespace snapfix::page
