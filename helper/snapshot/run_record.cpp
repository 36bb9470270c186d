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

bool was_started_by_our_parent(const RunRecord& run) {
  const auto parent = os::identify_parent();
  return parent && run.host == os::host_name() &&
         run.parent == RunParent{parent->pid, parent->start_time};
}

} // namespace snapfix::snapshot
