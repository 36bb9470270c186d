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

} // namespace snapfix::snapshot
