#include "snapshot/record.hpp"

#include "os/json.hpp"
#include "snapshot/record_json.hpp"

#include <charconv>
#include <concepts>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace snapfix::snapshot {
namespace {

using nlohmann::json;

/// Of all records: it goes up when another helper would misread one.
constexpr int k_record_version = 1;

/// A value of another kind than it should be.
struct Unreadable : std::runtime_error {
  Unreadable() : runtime_error("no such value") {}
};

// What reads throws Unreadable or json::exception.

/// Strictly: the library makes integers of true and of 1.5.
template<std::integral Number> void from_json(const json& value, Number& out) {
  const bool fits =
      value.is_number_unsigned()
          ? std::in_range<Number>(value.get<std::uint64_t>())
          : value.is_number_integer() && std::in_range<Number>(value.get<std::int64_t>());
  if (!fits) {
    throw Unreadable();
  }
  value.get_to(out);
}

template<typename Value>
requires(std::same_as<Value, double> ||
         std::same_as<Value, std::string>) void from_json(const json& value, Value& out) {
  value.get_to(out);
}

void from_json(const json& value, os::Hash& out) {
  const auto hash = os::Hash::from_hex(value.get<std::string>());
  if (!hash) {
    throw Unreadable();
  }
  out = *hash;
}

template<typename Enum>
requires std::is_enum_v<Enum>
void from_json(const json& value, Enum& out) {
  const auto read = os::from_word<Enum>(value.get<std::string>());
  if (!read) {
    throw Unreadable();
  }
  out = *read;
}

/// The value of a key; `out` stays as it is where there is none.
template<typename Value> void read_if(const json& object, const char* key, Value& out);

void from_json(const json& file, TouchedFile& out) {
  from_json(file.at("path"), out.path);
  from_json(file.at("program"), out.program);
  from_json(file.at("call"), out.call);
  std::string hex;
  read_if(file, "path_hex", hex);
  if (!hex.empty()) {
    out.path.clear();
  }
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned char byte = 0;
    std::from_chars(&hex[i], &hex[i] + 2, byte, 16);
    out.path += static_cast<char>(byte);
  }
}

void from_json(const json& process, os::LivingProcess& out) {
  from_json(process.at("pid"), out.pid);
  from_json(process.at("name"), out.name);
}

void from_json(const json& cost, GuardReport::Cost& out) {
  from_json(cost.at("count"), out.count);
  from_json(cost.at("seconds"), out.seconds);
}

void from_json(const json& times, RunTimes& out);
void from_json(const json& run, PastRun& out);

template<typename Value> void from_json(const json& list, std::vector<Value>& out) {
  for (const auto& value : list.get_ref<const json::array_t&>()) {
    from_json(value, out.emplace_back());
  }
}

template<typename Value> void from_json(const json& object, std::map<std::string, Value>& out) {
  for (const auto& [key, value] : object.get_ref<const json::object_t&>()) {
    from_json(value, out[key]);
  }
}

template<typename Value> void read_if(const json& object, const char* key, Value& out) {
  const auto& members = object.get_ref<const json::object_t&>();
  if (const auto found = members.find(key); found != members.end()) {
    from_json(found->second, out);
  }
}

void from_json(const json& ledger, Ledger& out) {
  from_json(ledger.at("linked"), out.linked);
  from_json(ledger.at("reflinked"), out.reflinked);
  from_json(ledger.at("copied_by_reason"), out.copied_by_reason);
  from_json(ledger.at("symlinks"), out.symlinks);
  from_json(ledger.at("folders"), out.folders);
  from_json(ledger.at("bytes_shared"), out.bytes_shared);
  from_json(ledger.at("bytes_copied"), out.bytes_copied);
  from_json(ledger.at("seconds"), out.seconds);
  if (ledger.contains("handed_on")) { // older ones do not tell
    ledger["handed_on"].get_to(out.handed_on);
  }
}

void from_json(const json& meta, BaseMeta& out) {
  from_json(meta.at("source"), out.source);
  from_json(meta.at("files"), out.files);
  read_if(meta, "git", out.git); // older ones have none
  from_json(meta.at("include"), out.include);
  from_json(meta.at("link_from"), out.link_from);
  from_json(meta.at("created"), out.created);
}

void from_json(const json& options, RecordedOptions& out) {
  from_json(options.at("exclude"), out.exclude);
  from_json(options.at("copy"), out.copy);
  from_json(options.at("link_from"), out.link_from);
  from_json(options.at("link_mode"), out.link_mode);
  from_json(options.at("uv_locked"), out.uv_locked);
}

void from_json(const json& meta, SnapshotMeta& out) {
  from_json(meta.at("name"), out.name);
  from_json(meta.at("created"), out.created);
  from_json(meta.at("source"), out.source);
  from_json(meta.at("options"), out.options);
  from_json(meta.at("ledger"), out.ledger);
  read_if(meta, "update", out.update); // older ones have none
}

void from_json(const json& record, FrozenRecord& out) {
  from_json(record.at("machine"), out.run.machine);
  from_json(record.at("pid"), out.run.pid);
  from_json(record.at("start_time"), out.run.start_time);
  from_json(record.at("base"), out.base);
}

void from_json(const json& hold, HoldRecord& out) {
  from_json(hold.at("slurm"), out.slurm);
  out.cluster = hold.value("cluster", "");
  from_json(hold.at("until"), out.until);
  from_json(hold.at("host"), out.host);
  from_json(hold.at("since"), out.since);
}

void from_json(const json& changes, Changes& out) {
  from_json(changes.at("private"), out.made_private);
  from_json(changes.at("bytes_private"), out.bytes_private);
  from_json(changes.at("missing"), out.missing);
  from_json(changes.at("added"), out.added);
}

void from_json(const json& guard, GuardReport& out) {
  from_json(guard.at("private"), out.made_private);
  from_json(guard.at("calls"), out.calls);
  from_json(guard.at("unjudged"), out.unjudged);
  from_json(guard.at("failed"), out.failed);
  from_json(guard.at("kernel"), out.kernel);
  const json& source = guard.at("source");
  from_json(source.at("writes"), out.source_writes);
  from_json(source.at("calls"), out.source_calls);
  from_json(source.at("more"), out.more_source_calls);
}

void from_json(const json& guard, GuardRecord& out) {
  from_json(guard.at("state"), out.state);
  read_if(guard, "reason", out.reason);
  if (guard.contains("calls")) {
    from_json(guard, out.report.emplace());
  }
}

void from_json(const json& finish, FinishOptions& out) {
  from_json(finish.at("keep"), out.keep);
  finish.at("will_fail").get_to(out.verdict.will_fail);
  finish.at("by_output").get_to(out.verdict.by_output);
  from_json(finish.at("spares"), out.spares);
  read_if(finish, "pack_to", out.pack_to); // older ones have none
  read_if(finish, "pack_environment", out.pack_environment);
  if (!finish.at("skip_return_code").is_null()) {
    from_json(finish["skip_return_code"], out.verdict.skip_return_code.emplace());
  }
}

void from_json(const json& parent, RunParent& out) {
  read_if(parent, "host", out.host); // older ones have none
  from_json(parent.at("pid"), out.pid);
  from_json(parent.at("start_time"), out.start_time);
}

void from_json(const json& times, RunTimes& out) {
  from_json(times.at("asked"), out.asked);
  from_json(times.at("taking"), out.taking);
  from_json(times.at("taken"), out.taken);
  from_json(times.at("began"), out.began);
  from_json(times.at("ended"), out.ended);
}

/// Of what has ended, or has not.
void read_end(const json& run, std::optional<RunEnd>& out) {
  if (!run.contains("ended")) {
    return;
  }
  auto& end = out.emplace();
  from_json(run["ended"], end.at);
  const bool was_killed = run.contains("signal");
  from_json(run.at(was_killed ? "signal" : "status"), was_killed ? end.signal : end.status);
}

void from_json(const json& run, RunRecord& out) {
  from_json(run.at("command"), out.command);
  read_if(run, "environment", out.environment);
  read_if(run, "folder", out.folder);
  read_if(run, "host", out.host);
  read_if(run, "pid", out.pid);
  read_if(run, "started", out.started);
  read_if(run, "ticket", out.ticket);
  read_if(run, "outlived", out.outlived);
  if (run.contains("guard")) {
    from_json(run["guard"], out.guard);
  }
  if (run.contains("options")) {
    const json& options = run["options"];
    from_json(options.at("guard"), out.wishes.guard);
    from_json(options.at("source_writes"), out.wishes.source_writes);
    from_json(options.at("uv"), out.wishes.uv);
    from_json(options.at("pack_env"), out.wishes.pack_environment);
  }
  if (run.contains("entered_unguarded")) {
    run["entered_unguarded"].get_to(out.was_entered_unguarded);
  }
  if (run.contains("parent")) {
    from_json(run["parent"], out.parent.emplace());
    if (out.parent->host.empty()) { // of older ones
      out.parent->host = out.host;
    }
  }
  read_if(run, "ctest", out.ctest);
  read_if(run, "times", out.times); // older ones have none
  read_end(run, out.end);
  if (run.contains("group")) {
    const json& group = run["group"];
    auto& of = out.group.emplace();
    from_json(group.at("id"), of.id);
    from_json(group.at("tasks"), of.tasks);
    from_json(group.at("begun"), of.begun);
    from_json(group.at("ended"), of.ended);
    from_json(group.at("signal"), of.worst.signal);
    from_json(group.at("status"), of.worst.status);
    group.at("over").get_to(of.is_over);
  }
  if (run.contains("finish")) {
    from_json(run["finish"], out.finish.emplace());
  }
  if (run.contains("changes") && !run["changes"].is_null()) {
    from_json(run["changes"], out.changes.emplace());
  }
  read_if(run, "why_kept", out.why_kept);
  read_if(run, "failure", out.failure);
}

void from_json(const json& tree, TreeCost& out) {
  from_json(tree.at("entries"), out.entries);
  from_json(tree.at("bytes"), out.bytes);
  from_json(tree.at("copied"), out.copied);
  tree.at("handed_on").get_to(out.handed_on);
}

void from_json(const json& details, RunDetails& out) {
  from_json(details.at("command"), out.command);
  from_json(details.at("private"), out.made_private);
  from_json(details.at("more_private"), out.more_private);
  from_json(details.at("findings"), out.findings);
  from_json(details.at("notes"), out.notes);
  from_json(details.at("guard"), out.guard);
  from_json(details.at("pack"), out.pack);
  read_end(details, out.end);
  if (details.contains("changes")) {
    from_json(details["changes"], out.changes.emplace());
  }
}

void from_json(const json& run, PastRun& out) {
  from_json(run.at("name"), out.name);
  from_json(run.at("host"), out.host);
  from_json(run.at("pid"), out.pid);
  from_json(run.at("ctest"), out.ctest);
  from_json(run.at("times"), out.times);
  from_json(run.at("finishing"), out.finishing);
  from_json(run.at("finished"), out.finished);
  from_json(run.at("outcome"), out.outcome);
  from_json(run.at("reason"), out.reason);
  from_json(run.at("why_kept"), out.why_kept);
  from_json(run.at("tree"), out.tree);
  if (run.contains("parent")) {
    from_json(run["parent"], out.parent.emplace());
  }
  if (run.contains("details")) {
    from_json(run["details"], out.details.emplace());
  }
}

void from_json(const json& history, History& out) {
  from_json(history.at("runs"), out.runs);
}

} // namespace

template<typename Record> std::optional<Record> read_record(std::string_view text) {
  try {
    const auto read = os::parse_json(text);
    int version = k_record_version; // of the first records, which name none
    read_if(read, "version", version);
    if (version != k_record_version) {
      return std::nullopt;
    }
    Record out;
    from_json(read, out);
    return out;
  } catch (const json::exception&) {
    return std::nullopt;
  } catch (const Unreadable&) {
    return std::nullopt;
  }
}

bool is_newer(std::string_view text) {
  try {
    int version = k_record_version;
    read_if(os::parse_json(text), "version", version);
    return version > k_record_version;
  } catch (const json::exception&) {
    return false;
  } catch (const Unreadable&) {
    return false;
  }
}

template<typename Record> std::string text_of(const Record& record) {
  json out = record;
  out["version"] = k_record_version;
  return os::text_of(out);
}

template std::optional<BaseMeta> read_record(std::string_view);
template std::optional<SnapshotMeta> read_record(std::string_view);
template std::optional<FrozenRecord> read_record(std::string_view);
template std::optional<RunRecord> read_record(std::string_view);
template std::optional<HoldRecord> read_record(std::string_view);
template std::optional<Ledger> read_record(std::string_view);
template std::optional<History> read_record(std::string_view);

template std::string text_of(const BaseMeta&);
template std::string text_of(const SnapshotMeta&);
template std::string text_of(const FrozenRecord&);
template std::string text_of(const RunRecord&);
template std::string text_of(const HoldRecord&);
template std::string text_of(const Ledger&);
template std::string text_of(const History&);

} // namespace snapfix::snapshot
