#include "lint/lint.hpp"

#include "lint/files.hpp"
#include "lint/kind.hpp"
#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/path.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <map>
#include <set>

namespace snapfix::lint {
namespace {

namespace fs = boost::filesystem;

/// What reading a file may cost (Reading::spend): some times its size.
constexpr std::size_t k_least_to_spend = std::size_t{1} << 15U;
constexpr std::size_t k_to_spend_a_byte = 16;

/// Whether the rest of the finding's line says so, with what a continuation joins to it.
bool is_allowed(std::string_view text, const Finding& finding) {
  std::size_t end = finding.begin;
  do {
    end = std::min(text.find('\n', end + 1), text.size());
  } while (end < text.size() &&
           (text.substr(0, end).ends_with('\\') || text.substr(0, end).ends_with("\\\r")));
  return contains(text.substr(finding.begin, end - finding.begin), "# snapfix: allow-unlocked");
}

Kind kind_of(const std::string& path, std::string_view text) {
  const Kind kind = kind_of_name(base_name(path));
  return kind != Kind::none ? kind : kind_of_shebang(text);
}

/// Whether it may be a script although its name does not say so.
bool may_be_script(const std::string& path) {
  boost::system::error_code error;
  return !contains(base_name(path), ".") ||
         (fs::status(path, error).permissions() & fs::owner_exe) != 0;
}

void replace(const std::string& path, const std::string& text) {
  const fs::path real = os::canonical_path(path); // a symlink that was named stays one
  const auto dir = os::Dir::open(real.parent_path().string());
  os::replace_content(dir, real.filename().c_str(), text);
}

void add_findings(Report& report, const std::string& path, std::string_view text,
                  const std::vector<Finding>& findings) {
  const auto lines = lines_of(text);
  for (const Finding& finding : findings) {
    const auto behind = std::ranges::upper_bound(lines, finding.begin, {}, &Line::begin);
    const auto line = static_cast<std::size_t>(behind - lines.begin());
    report.findings.push_back({path, line, finding.begin - lines[line - 1].begin + 1,
                               finding.command, finding.message, !finding.insert.empty()});
  }
}

/// False if it is of no kind that is read.
bool lint_file(Report& report, const std::string& path, const Options& options, WorkTrees& trees) {
  if (kind_of_name(base_name(path)) == Kind::none && !may_be_script(path)) {
    return false;
  }
  auto text = read_text_file(path);
  if (!text || kind_of(path, *text) == Kind::none) {
    return false;
  }
  ++report.files;
  auto findings = lint_text(path, *text, options.assume_locked, trees);
  const std::string fixed = options.fix == Fix::yes ? fixed_text(*text, findings) : *text;
  if (fixed != *text) {
    try {
      replace(path, fixed);
      auto left = lint_text(path, fixed, options.assume_locked, trees);
      report.fixed += findings.size() - std::min(findings.size(), left.size());
      text = fixed;
      findings = std::move(left);
    } catch (const os::Error& error) {
      os::warn(os::format("{} stays as it is: {}", os::quoted(path), error.what()));
    }
  }
  add_findings(report, path, *text, findings);
  return true;
}

} // namespace

std::vector<Finding> lint_text(const std::string& path, std::string_view text,
                               AssumeLocked assume_locked, WorkTrees& trees) {
  if (!contains(text, "uv")) {
    return {};
  }
  const Kind kind = kind_of(path, text);
  Projects projects(path, trees);
  Reading reading;
  reading.projects = &projects;
  // Workflows and images have an environment of their own.
  const bool inherits = kind != Kind::yaml && kind != Kind::docker;
  reading.assume_locked = inherits ? assume_locked : AssumeLocked::no;
  reading.left = k_least_to_spend + k_to_spend_a_byte * text.size();
  read_language(kind, Text(text), reading.environment(), reading);
  if (reading.left == 0) {
    reading.findings.push_back(
        {0, 1, "", "the file is too intricate to be read to its end: split it", 0, ""});
  }
  std::erase_if(reading.findings,
                [&](const Finding& finding) { return is_allowed(text, finding); });
  std::ranges::sort(reading.findings, {}, &Finding::begin);
  return std::move(reading.findings);
}

std::string fixed_text(std::string_view text, const std::vector<Finding>& findings) {
  std::map<std::size_t, std::string_view> inserts;
  for (const Finding& finding : findings) {
    if (!finding.insert.empty()) {
      inserts.emplace(finding.end, finding.insert);
    }
  }
  std::string out;
  std::size_t done = 0;
  for (const auto& [at, insert] : inserts) {
    out += text.substr(done, at - done);
    out += insert;
    done = at;
  }
  return out += text.substr(done);
}

Report lint_files(const std::vector<std::string>& paths, const Options& options) {
  Report report;
  std::set<std::string> seen;
  WorkTrees trees;
  for (const std::string& path : paths) {
    for (const std::string& file : files_of(path)) {
      if (seen.insert(os::canonical_path(file)).second &&
          !lint_file(report, file, options, trees) && file == path) {
        report.unread.push_back(path);
      }
    }
  }
  for (const std::string& top : trees.without_lock()) {
    os::note(os::format("{} has no uv.lock that git does not ignore: there is nothing to pin",
                        os::quoted(top)));
  }
  return report;
}

} // namespace snapfix::lint
