#include "snapshot/run_record.hpp"

#include "os/file.hpp"
#include "snapshot/record.hpp"

#include <tuple>

namespace snapfix::snapshot {

std::optional<RunRecord> load_run(const Root& root, const std::string& folder) {
  const auto text = os::read_small_file(root.runs(), folder.c_str());
  return text ? std::optional(read_record<RunRecord>(*text).value_or(RunRecord())) : std::nullopt;
}

void write_run(const Root& root, const std::string& folder, const RunRecord& record) {
  os::replace_file(root.runs(), folder.c_str(), text_of(record), 0600);
}

std::optional<RunParent> our_parent() {
  const auto parent = os::identify_parent();
  return parent ? std::optional(RunParent{os::host_name(), parent->pid, parent->start_time})
                : std::nullopt;
}

bool was_started_by_our_parent(const RunRecord& run) {
  return run.parent && run.parent == our_parent();
}

Outcome outcome_of(const RunEnd& end, const Verdict& verdict) {
  if (end.signal == 0 && verdict.skip_return_code == end.status) {
    return Outcome::skipped;
  }
  return end.signal == 0 && (end.status != 0) == verdict.will_fail ? Outcome::passed
                                                                   : Outcome::failed;
}

bool is_worse(const RunEnd& end, const RunEnd& than, const Verdict& verdict) {
  const auto badness = [&](const RunEnd& of) {
    return std::tuple(outcome_of(of, verdict), of.signal != 0, of.status);
  };
  return badness(end) > badness(than);
}

} // namespace snapfix::snapshot
