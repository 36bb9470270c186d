#pragma once

#include "os/process.hpp"
#include "os/words.hpp"
#include "snapshot/root.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// A file of a snapshot or of a source, and the program and call that changed it or would have.
struct TouchedFile {
  std::string path;
  std::string program;
  std::string call;
};

/// What the files of a snapshot have become, in numbers.
struct Changes {
  std::uint64_t made_private = 0;
  std::uint64_t bytes_private = 0;
  std::uint64_t missing = 0;
  std::uint64_t added = 0;
};

enum class GuardState : std::uint8_t {
  unknown,
  on,
  off,
  not_needed, ///< there was nothing to guard
  missing     ///< this system cannot
};

/// What the guard of a run did.
struct GuardReport {
  struct Cost {
    std::uint64_t count = 0;
    double seconds = 0;
  };
  using Counts = std::map<std::string, std::uint64_t>; ///< by "program: call: reason"

  std::vector<TouchedFile> made_private;
  std::map<std::string, Cost> calls; ///< by name
  Counts unjudged;
  Counts failed;
  std::string kernel;
  std::string source_writes;             ///< `deny`, `report` or `allow`
  std::vector<TouchedFile> source_calls; ///< that would have changed the source, or did
  std::uint64_t more_source_calls = 0;
};

struct GuardRecord {
  GuardState state = GuardState::unknown;
  std::string reason;                ///< why it is missing
  std::optional<GuardReport> report; ///< once a run under it has ended
};

/// Who started a run: of one that a launcher started, who submitted it.
struct RunParent {
  std::string host;
  pid_t pid = 0;
  std::uint64_t start_time = 0;
  bool operator==(const RunParent&) const = default;
};

enum class Keep : std::uint8_t { never, on_failure, always };

/// What CTest's properties of a test say of its end.
struct Verdict {
  bool will_fail = false;              ///< WILL_FAIL: only an exit code other than 0 is success
  std::optional<int> skip_return_code; ///< SKIP_RETURN_CODE: no failure
  /// FAIL_, PASS_ or SKIP_REGULAR_EXPRESSION: only ctest knows whether the test failed.
  bool by_output = false;
};

/// How a run ended, as its test's properties judge it.
enum class Outcome : std::uint8_t {
  passed,
  skipped,
  failed,
  killed,  ///< with the command: nobody recorded its end
  unknown, ///< only ctest sees what it is judged by
  running
};

/// What becomes of a snapshot when its run has ended.
struct FinishOptions {
  Keep keep = Keep::on_failure;
  Verdict verdict;
  std::size_t spares = 0; ///< the tree is handed on while there are less
  std::string pack_to;    ///< the folder that gets a pack of what is kept of a failure; empty: none
  std::vector<std::string> pack_environment; ///< variables whose values go along
};

/// What a run was asked for, to be done again: words of options.
struct RunWishes {
  std::string guard = "auto";
  std::string source_writes = "deny";
  std::string uv;                            ///< that checks locks; empty: that of PATH
  std::vector<std::string> pack_environment; ///< variables whose values go into a pack
};

struct RunEnd {
  std::string at;
  int status = 0;
  int signal = 0; ///< that killed the command; 0 if it ended by itself
};

/// Several tasks that share a snapshot, as --join has them do it: this is written by each.
struct RunGroup {
  std::string id;     ///< of what started them; empty: whoever is there
  unsigned tasks = 0; ///< how many there are to be; 0: not known
  unsigned begun = 0;
  unsigned ended = 0;
  RunEnd worst;         ///< of those that have ended
  bool is_over = false; ///< the last one has left: no other is waited for
};

/// When a run came how far, in seconds since 1970; 0: it did not come to that.
struct RunTimes {
  double asked = 0;  ///< for the name, which another run may have held
  double taking = 0; ///< it had the name, and began to make or take the tree
  double taken = 0;  ///< the tree stood; 0 also where it stood already
  double began = 0;  ///< its command did
  double ended = 0;
};

/// What the last run of a snapshot left. Only its owner can read it: an environment may hold
/// secrets.
struct RunRecord {
  std::vector<std::string> command;
  std::vector<std::string> environment;
  std::string folder;
  std::string host;
  pid_t pid = 0;
  std::optional<RunParent> parent;
  std::string ticket; ///< of a job that a launcher started, else empty
  std::string ctest;  ///< the folder in which the ctest runs that started it; empty: none did
  std::string started;
  RunTimes times;
  std::optional<RunEnd> end;
  std::optional<RunGroup> group;
  std::vector<os::LivingProcess> outlived;
  std::optional<Changes> changes; ///< since the run has ended, where they were counted
  std::string why_kept;           ///< by its finish; empty if that was not the case
  std::string failure;            ///< why it has no end, if somebody saw that
  RunWishes wishes;
  GuardRecord guard;
  /// Somebody has worked in the snapshot since, by `snapfix enter` without the guard.
  bool was_entered_unguarded = false;
  std::optional<FinishOptions> finish; ///< still to be done; the run was to do it at its end

  std::string why_no_end() const {
    return failure.empty() ? "its run has no recorded end" : failure;
  }
  /// Whether it is, or was, under the guard, or had nothing to be guarded.
  bool is_guarded() const {
    return !was_entered_unguarded &&
           (guard.state == GuardState::on || guard.state == GuardState::not_needed);
  }
  /// Whether the run came to its end and left no process behind.
  bool ended_cleanly() const { return end && outlived.empty(); }
};

/// Nothing if there is no record. Of one that is damaged, or of another version, an empty one: it
/// tells of a run whose end is not known.
std::optional<RunRecord> load_run(const Root& root, const std::string& folder);
void write_run(const Root& root, const std::string& folder, const RunRecord& record);

/// What started us, as records name it; nothing if it cannot be seen.
std::optional<RunParent> our_parent();
/// Whether the process that started us has started that run, too: the same ctest.
bool was_started_by_our_parent(const RunRecord& run);

/// By its exit code or signal alone: passed, skipped or failed.
Outcome outcome_of(const RunEnd& end, const Verdict& verdict);
/// Whether a task's end is the one that counts beside another's.
bool is_worse(const RunEnd& end, const RunEnd& than, const Verdict& verdict);

} // namespace snapfix::snapshot

template<>
inline constexpr std::array snapfix::os::k_words<snapfix::snapshot::Keep>{"never", "on-failure",
                                                                          "always"};
template<>
inline constexpr std::array snapfix::os::k_words<snapfix::snapshot::Outcome>{
    "passed", "skipped", "failed", "killed", "unknown", "running"};
template<>
inline constexpr std::array snapfix::os::k_words<snapfix::snapshot::GuardState>{
    "-", "on", "off", "not needed", "missing"};
