#include "snapshot/run_record.hpp"

#include "os/file.hpp"

namespace snapfix::snapshot {

std::optional<nlohmann::json> load_run(const Root& root, const std::string& folder) {
  const auto text = os::read_small_file(root.runs(), folder.c_str());
  if (!text) {
    return std::nullopt;
  }
  auto record = nlohmann::json::parse(*text, nullptr, false);
  // A record that cannot be read tells of a run whose end is not known.
  return record.is_object() ? record : nlohmann::json::object();
}

void write_run(const Root& root, const std::string& folder, const nlohmann::json& record) {
  os::replace_file(root.runs(), folder.c_str(),
                   record.dump(1, ' ', false, nlohmann::json::error_handler_t::replace), 0600);
}

bool ended_cleanly(const nlohmann::json& record) {
  return record.contains("ended") && record.value("outlived", nlohmann::json::array()).empty();
}

} // namespace snapfix::snapshot
