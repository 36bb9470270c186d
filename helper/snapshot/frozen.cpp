#include "snapshot/frozen.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/time_text.hpp"
#include "snapshot/record.hpp"

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
  const FrozenRecord record{*run, base};
  os::replace_file(root.frozen(), record_name(*run, key).c_str(), text_of(record));
}

std::optional<os::Hash> find_frozen(const Root& root, const os::Hash& key) {
  const auto run = os::identify_parent();
  const auto text =
      run ? os::read_small_file(root.frozen(), record_name(*run, key).c_str()) : std::nullopt;
  const auto record = read_record<FrozenRecord>(text.value_or(""));
  return record ? std::optional(record->base) : std::nullopt;
}

std::vector<Base> bases_of_run(const Root& root) {
  std::vector<Base> out;
  const auto run = os::identify_parent();
  for (const auto& entry : root.frozen().entries()) {
    const auto text = os::read_small_file(root.frozen(), entry.name.c_str());
    const auto record = read_record<FrozenRecord>(text.value_or(""));
    if (!run || !record || record->run != *run) {
      continue;
    }
    auto base = Base::load(root.bases(), record->base);
    if (!base) {
      throw os::Error(os::format("the base {}, by which this ctest run goes, is lost or damaged",
                                 record->base.hex()),
                      "was the root changed while tests ran?");
    }
    out.push_back(std::move(*base));
  }
  return out;
}

std::vector<os::Hash> bases_in_use_by_runs(const Root& root) {
  std::vector<os::Hash> out;
  for (const auto& entry : root.frozen().entries()) {
    const auto stat = root.frozen().try_stat(entry.name.c_str());
    const auto text = os::read_small_file(root.frozen(), entry.name.c_str());
    const auto record = read_record<FrozenRecord>(text.value_or(""));
    if (!stat || !record) {
      continue; // half-written, damaged, or gone
    }
    if (is_over(record->run, *stat)) {
      root.frozen().unlink_if_present(entry.name.c_str());
    } else {
      out.push_back(record->base);
    }
  }
  return out;
}

} // namespace snapfix::snapshot
