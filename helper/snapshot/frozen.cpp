#include "snapshot/frozen.hpp"

#include "os/format.hpp"
#include "os/process.hpp"
#include "os/time_text.hpp"

#include <nlohmann/json.hpp>

namespace snapfix::snapshot {
namespace {

// A process of another host cannot be asked whether it lives: no ctest run lasts longer.
constexpr std::int64_t k_longest_run_seconds = std::int64_t{7} * 24 * 3600;

std::string record_name(const os::ProcessId& run, const os::Hash& key) {
  return os::hash_of(os::format("{} {} {} {}", run.machine, run.pid, run.start_time, key.hex()))
      .hex();
}

bool is_over(const os::ProcessId& run, const os::Stat& record) {
  if (run.machine == os::this_machine()) {
    return os::identify(run.pid) != run;
  }
  return os::now().seconds - record.mtime.seconds > k_longest_run_seconds;
}

} // namespace

void record_frozen(const Root& root, const os::Hash& key, const os::Hash& base) {
  const auto run = os::identify_parent();
  if (!run) {
    return; // each test then freezes for itself
  }
  const nlohmann::json record{{"machine", run->machine},
                              {"pid", run->pid},
                              {"start_time", run->start_time},
                              {"base", base.hex()}};
  os::replace_file(root.frozen(), record_name(*run, key).c_str(), record.dump());
}

std::optional<os::Hash> find_frozen(const Root& root, const os::Hash& key) {
  const auto run = os::identify_parent();
  const auto text =
      run ? os::read_small_file(root.frozen(), record_name(*run, key).c_str()) : std::nullopt;
  const auto record = nlohmann::json::parse(text.value_or(""), nullptr, false);
  return record.is_object() ? os::Hash::from_hex(record.value("base", "")) : std::nullopt;
}

std::vector<os::Hash> bases_in_use_by_runs(const Root& root) {
  std::vector<os::Hash> out;
  for (const auto& entry : root.frozen().entries()) {
    const auto stat = root.frozen().try_stat(entry.name.c_str());
    const auto text = os::read_small_file(root.frozen(), entry.name.c_str());
    const auto record = nlohmann::json::parse(text.value_or(""), nullptr, false);
    if (!stat || !record.is_object()) {
      continue; // half-written, or gone
    }
    const os::ProcessId run{record.value("machine", ""), record.value("pid", 0),
                            record.value("start_time", std::uint64_t{0})};
    const auto base = os::Hash::from_hex(record.value("base", ""));
    if (is_over(run, *stat)) {
      root.frozen().unlink_if_present(entry.name.c_str());
    } else if (base) {
      out.push_back(*base);
    }
  }
  return out;
}

} // namespace snapfix::snapshot
