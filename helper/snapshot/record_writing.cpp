#include "os/error.hpp"
#include "os/format.hpp"
#include "os/json.hpp"
#include "snapshot/record_json.hpp"

namespace snapfix::snapshot {
namespace {

using nlohmann::json;
using os::json_object;

json json_of(const GuardRecord& guard) {
  json out = json_object({{"state", os::word_of(guard.state)}});
  if (!guard.reason.empty()) {
    out["reason"] = guard.reason;
  }
  if (!guard.report) {
    return out;
  }
  const GuardReport& did = *guard.report;
  out["private"] = did.made_private;
  out["calls"] = json::object();
  for (const auto& [call, cost] : did.calls) {
    out["calls"][call] = json_object({{"count", cost.count}, {"seconds", cost.seconds}});
  }
  out["unjudged"] = did.unjudged;
  out["failed"] = did.failed;
  out["kernel"] = did.kernel;
  out["source"] = {
      {"writes", did.source_writes}, {"calls", did.source_calls}, {"more", did.more_source_calls}};
  return out;
}

json json_of(const RunParent& parent) {
  return json_object(
      {{"host", parent.host}, {"pid", parent.pid}, {"start_time", parent.start_time}});
}

void add_end(const RunEnd& end, json& out) {
  out["ended"] = end.at;
  if (end.signal != 0) {
    out["signal"] = end.signal;
  } else {
    out["status"] = end.status;
  }
}

json json_of(const Changes& changes) {
  return json_object({{"private", changes.made_private},
                      {"bytes_private", changes.bytes_private},
                      {"missing", changes.missing},
                      {"added", changes.added}});
}

void add_end(const RunRecord& run, json& out) {
  add_end(*run.end, out);
  for (const auto& process : run.outlived) {
    out["outlived"].push_back(json_object({{"pid", process.pid}, {"name", process.name}}));
  }
  out["changes"] = nullptr;
  if (const auto& changes = run.changes) {
    out["changes"] = json_of(*changes);
  }
  if (!run.why_kept.empty()) {
    out["why_kept"] = run.why_kept;
  }
}

json json_of(const FinishOptions& finish) {
  const auto& skip = finish.verdict.skip_return_code;
  return json_object({{"keep", os::word_of(finish.keep)},
                      {"will_fail", finish.verdict.will_fail},
                      {"skip_return_code", skip ? json(*skip) : json()},
                      {"by_output", finish.verdict.by_output},
                      {"spares", finish.spares},
                      {"pack_to", finish.pack_to},
                      {"pack_environment", finish.pack_environment}});
}

} // namespace

json path_to_json(const std::string& path) {
  json out = json_object({{"path", path}});
  if (!os::is_utf8(path)) {
    std::string hex;
    for (const char c : path) {
      hex += os::format("{:02x}", static_cast<unsigned char>(c));
    }
    out["path_hex"] = hex;
  }
  return out;
}

void to_json(json& json, const Ledger& ledger) {
  json = json_object({{"linked", ledger.linked},
                      {"reflinked", ledger.reflinked},
                      {"copied", ledger.copied()},
                      {"copied_by_reason", ledger.copied_by_reason},
                      {"symlinks", ledger.symlinks},
                      {"folders", ledger.folders},
                      {"entries", ledger.entries()},
                      {"bytes_shared", ledger.bytes_shared},
                      {"bytes_copied", ledger.bytes_copied},
                      {"seconds", ledger.seconds},
                      {"handed_on", ledger.handed_on}});
}

void to_json(json& json, const BaseMeta& meta) {
  json = json_object({{"source", meta.source},
                      {"files", os::word_of(meta.files)},
                      {"git", os::word_of(meta.git)},
                      {"include", meta.include},
                      {"link_from", os::word_of(meta.link_from)},
                      {"created", meta.created}});
}

void to_json(json& json, const RecordedOptions& options) {
  json = json_object({{"exclude", options.exclude},
                      {"copy", options.copy},
                      {"link_from", os::word_of(options.link_from)},
                      {"link_mode", os::word_of(options.link_mode)},
                      {"uv_locked", options.uv_locked}});
}

void to_json(json& json, const SnapshotMeta& meta) {
  json = json_object({{"name", meta.name},
                      {"created", meta.created},
                      {"source", meta.source},
                      {"options", meta.options},
                      {"ledger", meta.ledger},
                      {"update", os::word_of(meta.update)}});
}

void to_json(json& json, const FrozenRecord& record) {
  json = json_object({{"machine", record.run.machine},
                      {"pid", record.run.pid},
                      {"start_time", record.run.start_time},
                      {"base", record.base.hex()}});
}

void to_json(json& json, const HoldRecord& hold) {
  json = json_object({{"slurm", hold.slurm},
                      {"cluster", hold.cluster},
                      {"until", hold.until},
                      {"host", hold.host},
                      {"since", hold.since}});
}

void to_json(json& json, const TouchedFile& file) {
  json = path_to_json(file.path);
  json["program"] = file.program;
  json["call"] = file.call;
}

void to_json(json& json, const RunTimes& times) {
  json = json_object({{"asked", times.asked},
                      {"taking", times.taking},
                      {"taken", times.taken},
                      {"began", times.began},
                      {"ended", times.ended}});
}

void to_json(json& json, const RunRecord& run) {
  json = json_object({{"command", run.command},
                      {"environment", run.environment},
                      {"folder", run.folder},
                      {"host", run.host},
                      {"pid", run.pid},
                      {"started", run.started},
                      {"times", run.times},
                      {"options", json_object({{"guard", run.wishes.guard},
                                               {"source_writes", run.wishes.source_writes},
                                               {"uv", run.wishes.uv},
                                               {"pack_env", run.wishes.pack_environment}})}});
  if (run.was_entered_unguarded) {
    json["entered_unguarded"] = true;
  }
  if (run.guard.state != GuardState::unknown) {
    json["guard"] = json_of(run.guard);
  }
  if (run.parent) {
    json["parent"] = json_of(*run.parent);
  }
  if (!run.ticket.empty()) {
    json["ticket"] = run.ticket;
  }
  if (!run.ctest.empty()) {
    json["ctest"] = run.ctest;
  }
  if (run.end) {
    add_end(run, json);
  }
  if (!run.failure.empty()) {
    json["failure"] = run.failure;
  }
  if (const auto& group = run.group) {
    json["group"] = json_object({{"id", group->id},
                                 {"tasks", group->tasks},
                                 {"begun", group->begun},
                                 {"ended", group->ended},
                                 {"signal", group->worst.signal},
                                 {"status", group->worst.status},
                                 {"over", group->is_over}});
  }
  if (run.finish) {
    json["finish"] = json_of(*run.finish);
  }
}

void to_json(json& json, const RunDetails& details) {
  json = json_object({{"command", details.command},
                      {"private", details.made_private},
                      {"more_private", details.more_private},
                      {"findings", details.findings},
                      {"notes", details.notes},
                      {"guard", details.guard},
                      {"pack", details.pack}});
  if (details.end) {
    add_end(*details.end, json);
  }
  if (details.changes) {
    json["changes"] = json_of(*details.changes);
  }
}

void to_json(json& json, const TreeCost& tree) {
  json = json_object({{"entries", tree.entries},
                      {"bytes", tree.bytes},
                      {"copied", tree.copied},
                      {"handed_on", tree.handed_on}});
}

void to_json(json& json, const PastRun& run) {
  json = json_object({{"name", run.name},
                      {"host", run.host},
                      {"pid", run.pid},
                      {"ctest", run.ctest},
                      {"times", run.times},
                      {"finishing", run.finishing},
                      {"finished", run.finished},
                      {"outcome", os::word_of(run.outcome)},
                      {"reason", run.reason},
                      {"why_kept", run.why_kept},
                      {"tree", run.tree}});
  if (run.parent) {
    json["parent"] = json_of(*run.parent);
  }
  if (run.details) {
    json["details"] = *run.details;
  }
}

void to_json(json& json, const History& history) {
  json = json_object({{"runs", history.runs}});
}

std::string to_text(const RecordedOptions& options) {
  return os::text_of(options);
}

} // namespace snapfix::snapshot
