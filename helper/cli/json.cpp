#include "cli/json.hpp"

#include "lint/lint.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/json.hpp"
#include "os/probe.hpp"
#include "os/user_file.hpp"
#include "snapshot/comparison.hpp"
#include "snapshot/create.hpp"
#include "snapshot/manage.hpp"
#include "snapshot/record_json.hpp"
#include "snapshot/source_changes.hpp"
#include "source/listing.hpp"

namespace snapfix::cli {
namespace {

using nlohmann::json;
using os::json_object;

/// Goes up when a key goes, or means something else; new keys may come without.
constexpr int k_schema_version = 1;

std::string text_of(json report) {
  report["schema_version"] = k_schema_version;
  return os::text_of(report, 2) + "\n";
}

void print(json report) {
  os::print("{}", text_of(std::move(report)));
}

json json_of(const snapshot::Frozen& frozen) {
  const auto& base = frozen.base;
  std::uint64_t files = 0; // the source's own, without what lies in a .git
  std::uint64_t symlinks = 0;
  std::uint64_t folders = 0;
  std::uint64_t bytes = 0;
  for (const auto& folder : base.folders()) {
    if (source::lies_in_git(base.text(folder.path))) {
      continue;
    }
    ++folders;
    for (const auto& file : base.files_of(folder)) {
      ++(file.is_symlink() ? symlinks : files);
      bytes += file.is_symlink() ? 0 : file.size;
    }
  }
  return json_object(
      {{"base", base.id().hex()},
       {"source", base.meta().source},
       {"files", os::word_of(base.meta().files)},
       {"git", os::word_of(base.meta().git)},
       {"new", frozen.made},
       {"count", json_object({{"files", files}, {"symlinks", symlinks}, {"folders", folders}})},
       {"bytes", bytes},
       {"files_read", frozen.counts.files_read},
       {"bytes_read", frozen.counts.bytes_read},
       {"files_copied", frozen.counts.files_copied},
       {"bytes_copied", frozen.counts.bytes_copied},
       {"left_out", json_object({{"deleted", frozen.left_out.deleted},
                                 {"sparse", frozen.left_out.sparse},
                                 {"special", frozen.left_out.special},
                                 {"uncloned", frozen.uncloned}})},
       {"notes", frozen.notes},
       {"warnings", frozen.warnings},
       {"seconds", frozen.seconds}});
}

json json_of(const snapshot::Verified& verified, const std::string& name,
             const SourceWrites& source_writes) {
  json out = json_object({{"name", name},
                          {"shared", verified.shared},
                          {"private", verified.made_private},
                          {"bytes_private", verified.bytes_private},
                          {"missing", verified.missing},
                          {"added", verified.added},
                          {"findings", json::array()},
                          {"unguarded", verified.unguarded},
                          {"never_run", verified.never_run},
                          {"healed", verified.healed},
                          {"notes", verified.notes},
                          {"source_writes", source_writes}});
  if (!verified.not_healed.empty()) {
    out["not_healed"] = verified.not_healed;
  }
  for (const auto& finding : verified.findings) {
    auto entry = snapshot::path_to_json(finding.path);
    entry["what"] = finding.what;
    entry["suspects"] = finding.suspects;
    out["findings"].push_back(std::move(entry));
  }
  return out;
}

json json_of(const snapshot::Contents& contents) {
  return json_object({{"shared", contents.shared},
                      {"private", contents.made_private},
                      {"added", contents.added},
                      {"missing", contents.missing},
                      {"bytes_shared", contents.bytes_shared},
                      {"bytes_private", contents.bytes_private},
                      {"bytes_added", contents.bytes_added},
                      {"unread", contents.unread}});
}

json json_of(const snapshot::Description& snapshot) {
  json out = snapshot.meta;
  out["now"] = snapshot.now ? json_of(*snapshot.now) : json();
  out["path"] = snapshot.path;
  out["base"] = snapshot.base.hex();
  if (snapshot.git) {
    out["git"] =
        json_object({{"objects", snapshot.git->stores}, {"intact", snapshot.git->have_head}});
  }
  out["run"] = nullptr;
  if (snapshot.run) {
    json run = json_object({{"ended", nullptr}, {"status", nullptr}, {"signal", nullptr}});
    run.update(json(*snapshot.run));
    run["running"] = snapshot.is_running;
    out["run"] = std::move(run);
  }
  out["holds"] = snapshot.holds;
  return out;
}

} // namespace

void print_json(const snapshot::Frozen& frozen) {
  print(json_of(frozen));
}

void print_json(const snapshot::Created& created, const std::string& name) {
  print(json_object({{"name", name},
                     {"path", created.path},
                     {"base", created.base.hex()},
                     {"made", created.made},
                     {"refreshed", created.refreshed},
                     {"ledger", created.ledger},
                     {"freeze", created.frozen ? json_of(*created.frozen) : json()},
                     {"notes", created.notes}}));
}

void print_json(const snapshot::Verified& verified, const std::string& name,
                const SourceWrites& source_writes) {
  print(json_of(verified, name, source_writes));
}

void print_json(const snapshot::Finished& finished, const std::string& name,
                const SourceWrites& source_writes) {
  json out = json_of(finished.verified, name, source_writes);
  out["existed"] = finished.existed;
  out["kept"] = finished.kept;
  print(std::move(out));
}

void print_json(const snapshot::Description& snapshot) {
  print(json_of(snapshot));
}

void print_json(const snapshot::Listed& listed) {
  json snapshots = json::array();
  for (const auto& snapshot : listed.snapshots) {
    snapshots.push_back(json_of(snapshot));
  }
  print(json_object({{"root", listed.root},
                     {"snapshots", std::move(snapshots)},
                     {"damaged", listed.damaged},
                     {"spares", json_object({{"trees", listed.spares.trees},
                                             {"entries", listed.spares.entries}})}}));
}

void print_json(const snapshot::Pruned& pruned, const snapshot::PruneOptions& how,
                const std::optional<std::string>& former_root) {
  json held = json::array();
  for (const auto& [name, by] : pruned.held) {
    held.push_back(json_object({{"name", name}, {"by", by}}));
  }
  print(json_object({{"dry_run", how.dry_run},
                     {"snapshots", pruned.snapshots},
                     {"in_use", pruned.in_use},
                     {"held", std::move(held)},
                     {"bases", pruned.store.bases},
                     {"objects", pruned.store.objects},
                     {"bytes", pruned.bytes},
                     {"left", pruned.left},
                     {"former_root", former_root ? json(*former_root) : json()}}));
}

void print_json(const lint::Report& report) {
  json findings = json::array();
  for (const auto& finding : report.findings) {
    findings.push_back(json_object({{"path", finding.path},
                                    {"line", finding.line},
                                    {"column", finding.column},
                                    {"command", finding.command},
                                    {"message", finding.message},
                                    {"fixable", finding.fixable}}));
  }
  print(json_object(
      {{"files", report.files}, {"findings", std::move(findings)}, {"fixed", report.fixed}}));
}

void print_json(const std::string& folder, const std::string& file_system,
                const std::vector<os::Probe>& probes, const std::string& root,
                const std::optional<std::string>& former_root) {
  json out = json_object({{"folder", folder},
                          {"file_system", file_system},
                          {"root", root},
                          {"former_root", former_root ? json(*former_root) : json()}});
  for (const auto& probe : probes) {
    out["probes"].push_back(
        json_object({{"name", probe.name}, {"works", probe.works}, {"detail", probe.detail}}));
  }
  print(std::move(out));
}

void print_json(const std::vector<snapshot::ChangedName>& changes,
                const std::vector<std::string>& names, const os::Hash& base) {
  json out = json::array();
  for (const auto& [path, change] : changes) {
    auto entry = snapshot::path_to_json(path);
    entry["change"] = os::word_of(change);
    out.push_back(std::move(entry));
  }
  const bool has_other = names.size() == 2;
  print(json_object({{"name", names.at(has_other ? 1 : 0)},
                     {"from", has_other ? json(names.at(0)) : json()},
                     {"base", has_other ? json() : json(base.hex())},
                     {"changes", std::move(out)}}));
}

void print_json(const std::map<std::string, snapshot::SourceOutcome>& sources) {
  json out = json::array();
  for (const auto& [source, outcome] : sources) {
    json changes = json::array();
    for (const auto& [path, change] : outcome.changes) {
      auto entry = snapshot::path_to_json(path);
      entry["change"] = os::word_of(change);
      changes.push_back(std::move(entry));
    }
    out.push_back(json_object({{"source", source},
                               {"changes", std::move(changes)},
                               {"error", outcome.error ? json(*outcome.error) : json()}}));
  }
  print(json_object({{"sources", std::move(out)}}));
}

void write_json(const std::string& path, const std::string& name,
                const snapshot::RunRecord& record) {
  json report = record;
  report.erase("environment"); // may hold secrets
  report["name"] = name;
  os::write_user_file(path, text_of(std::move(report)));
}

} // namespace snapfix::cli
