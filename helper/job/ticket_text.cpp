#include "job/ticket_text.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/split.hpp"
#include "snapshot/record.hpp"

#include <chrono>
#include <concepts>
#include <cstdlib>
#include <exception>
#include <map>
#include <type_traits>
#include <utility>

namespace snapfix::job {
namespace {

/// Goes up with every change of what is written here.
constexpr std::string_view k_version = "3";
/// What was cut short lacks it.
constexpr const char* k_end = "end";
constexpr std::string_view k_end_value = "whole";

template<typename Value>
concept Number = std::is_arithmetic_v<Value>;
template<typename Value>
concept Enum = std::is_enum_v<Value>;

class Writer {
public:
  Writer() { (*this)("version", k_version); }

  void operator()(const char* key, std::string_view value) {
    m_text.append(key).push_back('\0');
    m_text.append(value).push_back('\0');
  }
  void operator()(const char* key, const std::vector<std::string>& values) {
    for (const auto& value : values) {
      (*this)(key, value);
    }
  }
  void operator()(const char* key, Number auto value) { (*this)(key, os::format("{}", +value)); }
  void operator()(const char* key, Enum auto value) { (*this)(key, os::word_of(value)); }
  template<typename Value> void operator()(const char* key, const std::optional<Value>& value) {
    if (value) {
      (*this)(key, *value);
    }
  }

  std::string take() {
    (*this)(k_end, k_end_value);
    return std::move(m_text);
  }

private:
  std::string m_text;
};

/// Throws os::Error of what is not whole.
class Reader {
public:
  explicit Reader(std::string_view text) {
    const auto words = os::split(text, '\0');
    for (std::size_t i = 0; i + 1 < words.size(); i += 2) {
      m_values[words[i]].push_back(words[i + 1]);
    }
    if (one("version") != k_version) {
      throw os::Error("the ticket was written by another version of snapfix",
                      "the helper in the root is that of who submitted last: use one version");
    }
    if (one(k_end) != k_end_value) {
      fail();
    }
  }

  bool has(const char* key) const { return m_values.contains(key); }
  std::vector<std::string> all(const char* key) const {
    return has(key) ? m_values.at(key) : std::vector<std::string>();
  }
  std::string one(const char* key) const {
    if (!has(key)) {
      fail();
    }
    return m_values.at(key).front();
  }

  void operator()(const char* key, std::string& out) const { out = one(key); }
  void operator()(const char* key, std::vector<std::string>& out) const { out = all(key); }
  template<Number Value> void operator()(const char* key, Value& out) const {
    const auto text = one(key);
    char* end = nullptr;
    if constexpr (std::floating_point<Value>) {
      out = std::strtod(text.c_str(), &end);
    } else {
      out = static_cast<Value>(std::strtoull(text.c_str(), &end, 10)); // also of below 0
    }
    if (text.empty() || *end != '\0') {
      fail();
    }
  }
  template<Enum Value> void operator()(const char* key, Value& out) const {
    const auto value = os::from_word<Value>(one(key));
    if (!value) {
      fail();
    }
    out = *value;
  }
  template<typename Value> void operator()(const char* key, std::optional<Value>& out) const {
    if (has(key)) {
      (*this)(key, out.emplace());
    }
  }

private:
  [[noreturn]] static void fail() {
    throw os::Error("the ticket is damaged: a part of it is missing",
                    "is the root's file system full, or is it none that both machines share?");
  }

  std::map<std::string, std::vector<std::string>> m_values;
};

// Each names a struct's members for both directions.

void pass(auto& each, auto& options) {
  each("name", options.name);
  each("source", options.create.selection.source);
  each("files", options.create.selection.files);
  each("git", options.create.selection.git);
  each("base", options.create.base.id);
  each("link_from", options.create.tree.link_from);
  each("link_mode", options.create.tree.link_mode);
  each("uv_locked", options.create.tree.uv_locked);
  each("strict", options.create.tree.strict);
  each("workers", options.create.tree.workers);
  each("fresh", options.fresh);
  each("names_source", options.names_source);
  each("names_tree", options.names_tree);
  each("names_locks", options.names_locks);
  each("command", options.command);
  each("verbatim", options.verbatim);
  each("wrapper", options.wrapper);
  each("folder", options.folder);
  each("map_source", options.map_source);
  each("source_as_given", options.source_as_given);
  each("guard", options.guard);
  each("source_writes", options.source_writes);
  each("pack_environment", options.pack_environment);
  each("uv", options.locks.uv);
  each("under_ctest", options.under_ctest);
}

void pass_finish(auto& each, auto& finish) {
  each("keep", finish.keep);
  each("will_fail", finish.verdict.will_fail);
  each("skip_return_code", finish.verdict.skip_return_code);
  each("by_output", finish.verdict.by_output);
  each("spares", finish.spares);
  each("pack_to", finish.pack_to);
  each("finish_environment", finish.pack_environment);
}

void pass_parent(auto& each, auto& parent) {
  each("parent_host", parent.host);
  each("parent_pid", parent.pid);
  each("parent_start_time", parent.start_time);
}

void pass_result(auto& each, auto& result) {
  each("exit_code", result.end.exit_code);
  each("signal", result.end.signal);
  each("run_seconds", result.run_seconds);
  each("finish_seconds", result.finish_seconds);
  each("has_finding", result.has_finding);
  each("failed", result.told_failure);
}

void pass_finishing(auto& each, auto& finishing) {
  auto& finished = finishing.snapshot;
  each("began", finishing.began);
  each("existed", finished.existed);
  each("kept", finished.kept);
  each("why_kept", finished.why_kept);
  each("outcome", finished.outcome);
  each("reason", finished.reason);
  each("why_not", finished.handed_on.why_not);
  each("left", finished.left);
  each("private", finished.verified.made_private);
  each("bytes_private", finished.verified.bytes_private);
  each("missing", finished.verified.missing);
  each("added", finished.verified.added);
}

} // namespace

std::string text_of(const RunOptions& options) {
  Writer out;
  pass(out, options);
  const auto& tree = options.create.tree;
  out("include", options.create.selection.include.patterns());
  out("exclude", tree.exclude.patterns());
  out("copy", tree.copy.patterns());
  if (options.group) {
    out("tasks", options.group->tasks);
  }
  if (options.patience) {
    out("patience", options.patience->count());
  }
  if (options.finish) {
    out("finish", 1);
    pass_finish(out, *options.finish);
  }
  if (options.from_ticket) {
    out("variable", options.from_ticket->variables);
    out("outer_group", options.from_ticket->outer_group);
    out("ctest", options.from_ticket->ctest);
    out("asked", options.from_ticket->asked);
    if (options.from_ticket->parent) {
      pass_parent(out, *options.from_ticket->parent);
    }
  }
  return out.take();
}

RunOptions run_options_from(std::string_view text) {
  const Reader in(text);
  RunOptions out;
  pass(in, out);
  const auto globs = [&](const char* key) {
    return source::GlobSet(in.all(key), out.create.selection.source);
  };
  out.create.selection.include = globs("include");
  out.create.tree.exclude = globs("exclude");
  out.create.tree.copy = globs("copy");
  if (in.has("patience")) {
    std::chrono::milliseconds::rep count = 0;
    in("patience", count);
    out.patience = std::chrono::milliseconds(count);
  }
  if (in.has("finish")) {
    pass_finish(in, out.finish.emplace());
  }
  auto& ticket = out.from_ticket.emplace();
  in("variable", ticket.variables);
  in("outer_group", ticket.outer_group);
  in("ctest", ticket.ctest);
  in("asked", ticket.asked);
  if (in.has("tasks")) {
    in("tasks", out.group.emplace().tasks);
  }
  if (in.has("parent_pid")) {
    pass_parent(in, ticket.parent.emplace());
  }
  return out;
}

std::string text_of(const RunResult& result) {
  Writer out;
  pass_result(out, result);
  out("record", snapshot::text_of(result.record));
  out("ledger", snapshot::text_of(result.ledger));
  if (const auto& finishing = result.finishing) {
    out("finishing", 1);
    pass_finishing(out, *finishing);
    for (const auto& finding : finishing->snapshot.verified.findings) {
      out("finding", finding.path);
    }
  }
  return out.take();
}

RunResult run_result_from(std::string_view text) {
  const Reader in(text);
  RunResult out;
  pass_result(in, out);
  out.record = snapshot::read_record<snapshot::RunRecord>(in.one("record")).value_or(out.record);
  out.ledger = snapshot::read_record<snapshot::Ledger>(in.one("ledger")).value_or(out.ledger);
  if (in.has("finishing")) {
    auto& finishing = out.finishing.emplace();
    pass_finishing(in, finishing);
    for (auto& path : in.all("finding")) {
      finishing.snapshot.verified.findings.push_back({std::move(path), {}, {}});
    }
  }
  return out;
}

} // namespace snapfix::job
