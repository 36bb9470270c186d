#include "snapshot/run_record.hpp"

#include "os/file.hpp"

#include <map>

namespace snapfix::snapshot {
namespace {

using nlohmann::json;
using Texts = std::vector<std::string>;
using Counts = std::map<std::string, std::uint64_t>;

// These read all that is read of a record, and throw json::exception where something is of another
// type.

void read_guard(const json& guard) {
  for (const char* key : {"state", "reason"}) {
    guard.value(key, "");
  }
  for (const char* key : {"unjudged", "failed"}) {
    guard.value(key, Counts());
  }
  for (const auto& [call, cost] : guard.value("calls", std::map<std::string, json>())) {
    cost.value("count", std::uint64_t{0});
    cost.value("seconds", 0.0);
  }
  for (const auto& file : guard.value("private", std::vector<json>())) {
    for (const char* key : {"path", "program", "call"}) {
      file.value(key, "");
    }
  }
}

void read_source(const json& source) {
  source.value("writes", "");
  source.value("more", std::uint64_t{0});
  for (const auto& call : source.value("calls", std::vector<json>())) {
    for (const char* key : {"path", "program", "call"}) {
      call.value(key, "");
    }
  }
}

void read_run(const json& run) {
  for (const char* key : {"command", "environment"}) {
    run.value(key, Texts());
  }
  for (const char* key : {"folder", "host", "started"}) {
    run.value(key, "");
  }
  run.value("outlived", std::vector<json>());
  if (run.contains("changes") && !run.at("changes").is_null()) {
    run.at("changes").get<Counts>();
  }
  const auto guard = run.value("guard", json::object());
  read_guard(guard);
  read_source(guard.value("source", json::object()));
  if (run.contains("ended")) {
    run.at("ended").get<std::string>();
    run.at(run.contains("signal") ? "signal" : "status").get<int>();
  }
}

} // namespace

std::optional<json> load_run(const Root& root, const std::string& folder) {
  const auto text = os::read_small_file(root.runs(), folder.c_str());
  if (!text) {
    return std::nullopt;
  }
  try {
    auto record = json::parse(*text);
    read_run(record);
    return record;
  } catch (const json::exception&) {
    return json::object(); // it tells of a run whose end is not known
  }
}

void write_run(const Root& root, const std::string& folder, const json& record) {
  os::replace_file(root.runs(), folder.c_str(),
                   record.dump(1, ' ', false, json::error_handler_t::replace), 0600);
}

bool ended_cleanly(const json& record) {
  return record.contains("ended") && record.value("outlived", json::array()).empty();
}

} // namespace snapfix::snapshot
