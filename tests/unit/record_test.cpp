#include "snapshot/record.hpp"
#include "snapshot/record_json.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace snapfix::snapshot;
using nlohmann::json;

namespace {

RunRecord run() {
  RunRecord out;
  out.command = {"sh", "-c", "true"};
  out.environment = {"A=b"};
  out.folder = "/r/t";
  out.host = "here";
  out.pid = 7;
  out.parent = {6, 99};
  out.started = "2026-01-31T12:00:00Z";
  out.end = {"2026-01-31T12:00:01Z", 3, 0};
  out.outlived = {{8, "daemon"}};
  out.changes = {1, 2, 3, 4};
  GuardReport did;
  did.made_private = {{"odd\xff", "vi", "openat"}};
  did.calls["openat"] = {5, 0.25};
  did.unjudged["a: b: c"] = 1;
  did.failed["d: e: f"] = 2;
  did.kernel = "copies";
  did.source_writes = "deny";
  did.source_calls = {{"x", "sed", "unlinkat"}};
  did.more_source_calls = 6;
  out.guard = {GuardState::on, "", did};
  return out;
}

SnapshotMeta snapshot() {
  SnapshotMeta out{"n", "today",     "/s", {{"e"}, {"c"}, "store", "hardlink", {"."}},
                   {},  Update::done};
  out.ledger.linked = 5;
  out.ledger.copied_by_reason["EXDEV"] = 1;
  return out;
}

BaseMeta base() {
  return {"/s", "tracked", {"i"}, "store", "today"};
}

FrozenRecord frozen() {
  return {{"machine", 5, 17}, {1, 2}};
}

json parsed(const std::string& text) {
  return json::parse(text);
}

/// A value of each kind that JSON has.
const std::vector<json> k_kinds{nullptr,
                                true,
                                -1,
                                1.5,
                                1e300,
                                "/no such/",
                                json{{1, 2}},
                                json::array({"x", nullptr}),
                                json{},
                                json::array(),
                                json::object()};

/// Replaces each value of a record, and takes it out: what is read is nothing, or says no more than
/// what was there.
template<typename Record> void damage_each(const Record& record) {
  const json whole = parsed(text_of(record));
  const json flat = whole.flatten();
  for (const auto& [place, value] : flat.items()) {
    for (json::json_pointer at(place); !at.empty(); at.pop_back()) {
      for (const auto& other : k_kinds) {
        json damaged = whole;
        damaged[at] = other;
        const auto read = read_record<Record>(damaged.dump());
        const bool same_kind = other.type() == whole[at].type() ||
                               (other.is_number_integer() && whole[at].is_number());
        // Sums are not read.
        const json now = read ? parsed(text_of(*read)) : json();
        BOOST_TEST((!read || same_kind || now == damaged || now == whole),
                   at.to_string() << ": " << other.dump() << " was read");
      }
      json cut = whole;
      json& above = cut[at.parent_pointer()];
      if (above.is_object()) {
        above.erase(at.back());
        read_record<Record>(cut.dump());
      }
    }
  }
}

template<typename Record> void check(const Record& record) {
  const std::string text = text_of(record);
  const auto read = read_record<Record>(text);
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(text_of(*read) == text);
  for (const int version : {0, 2, -1}) {
    json other = parsed(text);
    other["version"] = version;
    BOOST_TEST(!read_record<Record>(other.dump()).has_value());
  }
  json first = parsed(text);
  first.erase("version"); // as the first ones were
  BOOST_TEST(read_record<Record>(first.dump()).has_value());
  for (const char* damaged : {"", "[]", "null", "7", "\"x\"", "{}", "{", "{\"version\": 1}"}) {
    BOOST_TEST(!read_record<Record>(damaged).has_value());
  }
  damage_each(record);
}

} // namespace

BOOST_AUTO_TEST_SUITE(record)

BOOST_AUTO_TEST_CASE(what_is_damaged_or_of_another_version_counts_as_absent) {
  check(run());
  check(snapshot());
  check(base());
  check(frozen());
}

BOOST_AUTO_TEST_CASE(a_run_that_has_not_ended_says_so) {
  const auto read = read_record<RunRecord>(R"({"command": ["x"]})");
  BOOST_REQUIRE(read.has_value());
  BOOST_TEST(!read->end.has_value());
  BOOST_TEST(!read->ended_cleanly());
  BOOST_TEST(!run().ended_cleanly()); // something outlives it
}

BOOST_AUTO_TEST_CASE(a_path_keeps_bytes_that_are_no_text) {
  const auto read = read_record<RunRecord>(text_of(run()));
  BOOST_TEST(read->guard.report->made_private[0].path == "odd\xff");
}

BOOST_AUTO_TEST_CASE(a_signal_is_no_exit_code) {
  auto killed = run();
  killed.end = {"now", 0, 9};
  const auto json = parsed(text_of(killed));
  BOOST_TEST(json.at("signal") == 9);
  BOOST_TEST(!json.contains("status"));
  BOOST_TEST(read_record<RunRecord>(text_of(killed))->end->signal == 9);
}

BOOST_AUTO_TEST_SUITE_END()
