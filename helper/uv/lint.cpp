#include "uv/lint.hpp"

#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/path.hpp"
#include "uv/lint_files.hpp"
#include "uv/lint_kind.hpp"

#include <boost/filesystem.hpp>

#include <algorithm>
#include <regex>
#include <set>

namespace snapfix::uv {
namespace {

namespace fs = boost::filesystem;

/// Whether the lines of a finding, or those that a continuation joins to them, allow it.
bool is_allowed(std::string_view text, const std::vector<Line>& lines, const Finding& finding) {
  const auto line_at = [&](std::size_t offset) {
    const auto behind = std::ranges::upper_bound(lines, offset, {}, &Line::begin);
    return static_cast<std::size_t>(behind - lines.begin()) - 1;
  };
  const auto continues = [&](std::size_t i) {
    return lines[i].end > lines[i].begin && text[lines[i].end - 1] == '\\';
  };
  std::size_t first = line_at(finding.begin);
  std::size_t last = line_at(finding.end == 0 ? 0 : finding.end - 1);
  while (first > 0 && continues(first - 1)) {
    --first;
  }
  while (last + 1 < lines.size() && continues(last)) {
    ++last;
  }
  for (std::size_t i = first; i <= last && i < lines.size(); ++i) {
    static const std::regex k_allow("#[ \t]*snapfix:[ \t]*allow-unlocked");
    const std::string line(text.substr(lines[i].begin, lines[i].end - lines[i].begin));
    if (std::regex_search(line, k_allow)) {
      return true;
    }
  }
  return false;
}

/// Whether `uv` stands in it as a word: most large files need not be read further.
bool names_uv(std::string_view text) {
  for (auto at = text.find("uv"); at != std::string_view::npos; at = text.find("uv", at + 1)) {
    const bool begins = at == 0 || !is_name_char(text[at - 1]);
    if (begins && (at + 2 >= text.size() || !is_name_char(text[at + 2]))) {
      return true;
    }
  }
  return false;
}

Kind kind_of(const std::string& path, std::string_view text) {
  const Kind kind = kind_of_name(base_name(path));
  return kind != Kind::none ? kind : kind_of_shebang(text);
}

/// Names that may be a script's although they do not say so: only these are opened for a shebang.
bool may_be_script(const std::string& path) {
  const std::string_view name = base_name(path);
  constexpr std::string_view k_never =
      " md mdx rst txt json jsonl lock toml png jpg jpeg gif svg ico pdf csv html css js mjs ts "
      "tsx "
      "jsx c h cc cpp hpp rs go java ipynb gz zip whl so o a pyc parquet mp4 woff woff2 ttf ";
  const auto dot = name.rfind('.');
  return dot == std::string_view::npos || dot == 0 ||
         !contains(k_never, " " + lower(name.substr(dot + 1)) + " ");
}

void replace(const std::string& path, const std::string& text) {
  const fs::path real = os::canonical_path(path); // a symlink that was named stays one
  const auto dir = os::Dir::open(real.parent_path().string());
  const std::string name = real.filename().string();
  const auto permissions = dir.stat_of(name.c_str()).permissions();
  os::replace_file(dir, name.c_str(), text, permissions);
  dir.set_permissions(name.c_str(), permissions); // whatever the umask took away
}

void add_findings(LintReport& report, const std::string& path, std::string_view text,
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
bool lint_file(LintReport& report, const std::string& path, const LintOptions& options) {
  if (kind_of_name(base_name(path)) == Kind::none && !may_be_script(path)) {
    return false;
  }
  const auto text = read_text_file(path);
  if (!text || kind_of(path, *text) == Kind::none) {
    return false;
  }
  ++report.files;
  const auto findings = lint_text(path, *text, options.assume_locked);
  if (options.fix == Fix::no || findings.empty()) {
    add_findings(report, path, *text, findings);
    return true;
  }
  const std::string fixed = fixed_text(*text, findings);
  if (fixed != *text) {
    replace(path, fixed);
  }
  const auto left = lint_text(path, fixed, options.assume_locked);
  report.fixed += findings.size() - std::min(findings.size(), left.size());
  add_findings(report, path, fixed, left);
  return true;
}

} // namespace

std::vector<Finding> lint_text(const std::string& path, std::string_view text,
                               AssumeLocked assume_locked) {
  if (!names_uv(text)) {
    return {};
  }
  Reading reading;
  reading.assume_locked = assume_locked;
  reading.has_own_requirements = [&](const std::string& script) {
    return has_own_requirements(path, script);
  };
  read_language(kind_of(path, text), Text(text), reading.environment(), reading);
  const auto lines = lines_of(text);
  std::erase_if(reading.findings,
                [&](const Finding& finding) { return is_allowed(text, lines, finding); });
  std::ranges::sort(reading.findings, {}, &Finding::begin);
  return std::move(reading.findings);
}

std::string fixed_text(std::string_view text, const std::vector<Finding>& findings) {
  std::string out(text);
  std::set<std::size_t> done;
  std::vector<const Finding*> order;
  order.reserve(findings.size());
  for (const Finding& finding : findings) {
    order.push_back(&finding);
  }
  std::ranges::sort(order, std::greater<>(), &Finding::insert_at);
  for (const Finding* finding : order) {
    if (!finding->insert.empty() && done.insert(finding->insert_at).second) {
      out.insert(finding->insert_at, finding->insert);
    }
  }
  return out;
}

LintReport lint(const std::vector<std::string>& paths, const LintOptions& options) {
  LintReport report;
  std::set<std::string> seen;
  for (const std::string& path : paths) {
    for (const std::string& file : files_of(path)) {
      if (seen.insert(os::canonical_path(file)).second && !lint_file(report, file, options) &&
          file == path) {
        report.unread.push_back(path);
      }
    }
  }
  return report;
}

} // namespace snapfix::uv
