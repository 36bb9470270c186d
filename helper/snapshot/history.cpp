#include "snapshot/history.hpp"

#include "os/file.hpp"
#include "os/time_text.hpp"
#include "snapshot/record.hpp"

#include <algorithm>
#include <utility>

namespace snapfix::snapshot {
namespace {

constexpr const char* k_freeze_prefix = "freeze:";
constexpr std::int64_t k_longest_seconds = std::int64_t{180} * 24 * 3600;

History load(const os::Dir& folder, const std::string& key) {
  const auto text = os::read_small_file(folder, key.c_str());
  return read_record<History>(text.value_or("")).value_or(History());
}

} // namespace

void remember(const Root& root, const std::string& key, PastRun run) {
  const auto folder = root.make_inner(k_histories);
  auto history = load(folder, key);
  auto& runs = history.runs;
  std::erase_if(runs, [&](const PastRun& other) { return other.is_same_run(run); });
  runs.insert(runs.begin(), std::move(run));
  std::ranges::stable_sort(runs, std::ranges::greater(),
                           [](const PastRun& past) { return past.times.asked; });
  runs.resize(std::min(runs.size(), k_most_past_runs));
  for (std::size_t i = 1; i < runs.size(); ++i) {
    runs[i].details.reset();
  }
  // Only its owner can read it: a command line may hold secrets.
  os::replace_file(folder, key.c_str(), text_of(history), 0600);
}

std::optional<PastRun> last_past_run(const Root& root, const std::string& key) {
  auto runs = load(root.make_inner(k_histories), key).runs;
  return runs.empty() ? std::nullopt : std::optional(std::move(runs[0]));
}

std::string key_of_freeze(const os::Hash& freeze_key) {
  return k_freeze_prefix + freeze_key.hex();
}

bool is_freeze(const std::string& key) {
  return key.starts_with(k_freeze_prefix);
}

std::vector<KeyedHistory> load_histories(const Root& root) {
  const auto folder = root.make_inner(k_histories);
  std::vector<KeyedHistory> out;
  for (const auto& entry : folder.entries()) {
    if (os::half_replaced(entry.name)) {
      continue;
    }
    auto history = load(folder, entry.name);
    if (!history.runs.empty()) {
      out.push_back({entry.name, std::move(history)});
    }
  }
  std::ranges::sort(out, {}, &KeyedHistory::key);
  return out;
}

void trim_histories(const Root& root, std::optional<std::int64_t> older_than_seconds) {
  const auto folder = root.make_inner(k_histories);
  const auto limit = std::min(older_than_seconds.value_or(k_longest_seconds), k_longest_seconds);
  const auto oldest = os::now().seconds - limit;
  for (const auto& entry : folder.entries()) {
    const auto& key = entry.name;
    const auto stat = folder.try_stat(key.c_str());
    if (!stat || stat->mtime.seconds >= oldest || root.top().try_stat(key.c_str()) ||
        os::half_replaced(key)) {
      continue;
    }
    const auto lock = is_freeze(key) ? std::nullopt : root.try_lock_name(key);
    if (lock || is_freeze(key)) {
      folder.unlink_if_present(key.c_str());
    }
    if (lock) {
      root.remove_lock_file(key, *lock);
    }
  }
}

} // namespace snapfix::snapshot
