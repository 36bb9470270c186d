#include "snapshot/record.hpp"
#include "snapshot/record_json.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
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
  out.parent = {"submitter", 6, 99};
  out.ticket = "t.0123";
  out.group = {"ticket t.0123", 4, 3, 2, {"", 0, 9}};
  out.ctest = "/build";
  out.times = {1.5, 2.5, 3.5, 4.5, 5.5};
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
  out.finish = {Keep::never, {true, 77, true}, 9, "/packs", {"MODE"}};
  out.wishes = {"on", "report", "/uv"};
  out.was_entered_unguarded = true;
  out.failure = "gone";
  return out;
}

History history() {
  PastRun last;
  last.name = "t";
  last.host = "here";
  last.pid = 7;
  last.parent = {"submitter", 6, 99};
  last.ctest = "/build";
  last.times = {1.5, 2.5, 3.5, 4.5, 5.5};
  last.finishing = 6.5;
  last.finished = 7.5;
  last.outcome = Outcome::failed;
  last.reason = "exit";
  last.why_kept = "as asked";
  last.tree = {1, 2, 3, true};
  last.details = {{"sh", "-c"},
                  RunEnd{"now", 3, 0},
                  Changes{1, 2, 3, 4},
                  {{"odd\xff", "vi", "openat"}},
                  5,
                  {"finding"},
                  {"note"},
                  "on",
                  "/packs/t"};
  return {{last}};
}

SnapshotMeta snapshot() {
  SnapshotMeta out{"n", "today",     "/s", {{"e"}, {"c"}, LinkFrom::source, LinkMode::copy, {"."}},
                   {},  Update::done};
  out.ledger.linked = 5;
  out.ledger.reflinked = 6;
  out.ledger.copied_by_reason["EXDEV"] = 1;
  out.ledger.symlinks = 7;
  out.ledger.folders = 8;
  out.ledger.bytes_shared = 9;
  out.ledger.bytes_copied = 10;
  out.ledger.seconds = 0.5;
  return out;
}

BaseMeta base() {
  return {"/s",    snapfix::source::FileSet::untracked,
          {"i"},   LinkFrom::source,
          "today", snapfix::source::Git::on};
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

bool is_among(const std::vector<std::string>& places, const json::json_pointer& at) {
  return std::ranges::find(places, at.to_string()) != places.end();
}

/// Nobody reads them.
const std::vector<std::string> k_sums{"/ledger/copied", "/ledger/entries"};

/// These hold keys of any name.
const std::vector<std::string> k_maps{"/ledger/copied_by_reason", "/guard/calls", "/guard/unjudged",
                                      "/guard/failed"};

/// These hold one of a few words, or a hash.
const std::vector<std::string> k_words{"/update", "/guard/state", "/runs/0/outcome", "/finish/keep",
                                       "/base"};

bool may_be_missing(const json::json_pointer& at, const std::vector<std::string>& optional) {
  return at.back() == "version" || at.back() == "path_hex" || is_among(optional, at) ||
         is_among(k_sums, at) || is_among(k_maps, at.parent_pointer());
}

/// Replaces each value of a record, and takes it out: what is read is nothing, or says no more than
/// what was there.
template<typename Record>
void damage_each(const Record& record, const std::vector<std::string>& optional) {
  const json whole = parsed(text_of(record));
  const json flat = whole.flatten();
  for (const auto& [place, value] : flat.items()) {
    for (json::json_pointer at(place); !at.empty(); at.pop_back()) {
      for (const auto& other : k_kinds) {
        json damaged = whole;
        damaged[at] = other;
        const auto read = read_record<Record>(damaged.dump());
        const bool same_kind =
            !is_among(k_words, at) && (other.type() == whole[at].type() ||
                                       (other.is_number_integer() && whole[at].is_number()));
        const json now = read ? parsed(text_of(*read)) : json();
        BOOST_TEST((!read || same_kind || now == damaged || is_among(k_sums, at)),
                   at.to_string() << ": " << other.dump() << " was read");
      }
      json cut = whole;
      json& above = cut[at.parent_pointer()];
      if (above.is_object()) {
        above.erase(at.back());
        const bool is_read = read_record<Record>(cut.dump()).has_value();
        BOOST_TEST((!is_read || may_be_missing(at, optional)), at.to_string() << " was not missed");
      }
    }
  }
}

/// `optional`: what older records do not have, or those of a run that goes on.
template<typename Record>
void check(const Record& record, const std::vector<std::string>& optional = {}) {
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
  damage_each(record, optional);
}

} // namespace

BOOST_AUTO_TEST_SUITE(record)

BOOST_AUTO_TEST_CASE(what_is_damaged_or_of_another_version_counts_as_absent) {
  check(run(), {"/environment",    "/folder",
                "/host",           "/pid",
                "/started",        "/parent",
                "/parent/host",    "/ticket",
                "/failure",        "/group",
                "/ended",          "/outlived",
                "/changes",        "/finish",
                "/guard",          "/guard/calls",
                "/status",         "/finish/skip_return_code",
                "/options",        "/entered_unguarded",
                "/ctest",          "/times",
                "/finish/pack_to", "/finish/pack_environment"});
  check(snapshot(), {"/update", "/ledger/handed_on"});
  check(history(), {"/runs/0/parent", "/runs/0/parent/host", "/runs/0/details",
                    "/runs/0/details/ended", "/runs/0/details/status", "/runs/0/details/changes"});
  check(base(), {"/git"});
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
