#include "snapshot/run_record.hpp"

#include "os/file.hpp"
#include "snapshot/record.hpp"

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

} // namespace snapfix::snapshot
