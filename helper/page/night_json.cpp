#include "os/json.hpp"
#include "page/page.hpp"
#include "snapshot/record_json.hpp"

namespace snapfix::page {
namespace {

using nlohmann::json;
using os::json_object;

constexpr int k_schema_version = 1;

json json_of(const Against& cost) {
  return json_object({{"taken", cost.taken}, {"full_copies", cost.full}});
}

json json_of(const TestOfNight& test) {
  json out = test.run;
  out["stands"] = test.stands;
  out["fixture"] = test.fixture;
  out["seconds"] = test.seconds;
  out["tries"] = test.tries;
  out["past"] = test.past;
  out["added"] = json_object({{"paths", test.added}, {"more", test.more_added}});
  out["output"] = json_object({{"tail", test.tail}, {"cut", test.is_cut}});
  out["commands"] = json_object(
      {{"enter", test.enter}, {"rerun", test.rerun}, {"pack", test.pack}, {"ctest", test.again}});
  return out;
}

} // namespace

std::string json_of(const Night& night) {
  const auto& totals = night.totals;
  json tests = json::array();
  for (const auto& test : night.tests) {
    tests.push_back(json_of(test));
  }
  json others = json::array();
  for (const auto& other : night.others) {
    others.push_back(
        json_object({{"name", other.name},
                     {"reason", other.reason},
                     {"seconds", other.seconds},
                     {"output", json_object({{"tail", other.tail}, {"cut", other.is_cut}})}}));
  }
  json out = json_object({{"schema_version", k_schema_version},
                          {"root", night.root},
                          {"sources", night.sources},
                          {"nodes", night.hosts},
                          {"ctest", night.ctest},
                          {"log", night.log},
                          {"began", night.began},
                          {"ended", night.ended},
                          {"warnings", night.warnings},
                          {"totals", json_object({{"passed", totals.passed},
                                                  {"failed", totals.failed},
                                                  {"skipped", totals.skipped},
                                                  {"unknown", totals.unknown},
                                                  {"running", totals.running},
                                                  {"kept", totals.kept},
                                                  {"run_seconds", totals.run_seconds},
                                                  {"bytes", json_of(totals.bytes)},
                                                  {"entries", json_of(totals.entries)},
                                                  {"seconds", json_of(totals.seconds)}})},
                          {"freezes", night.freezes},
                          {"others", std::move(others)},
                          {"disabled", night.disabled},
                          {"tests", std::move(tests)}});
  return os::text_of(out, 2) + "\n";
}

} // namespace snapfix::page
