#include "snapshot/history.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/time_text.hpp"
#include "snapshot/record.hpp"

#include <algorithm>
#include <utility>

namespace snapfix::snapshot {
namespace {

constexpr const char* k_freeze_prefix = "freeze:";
constexpr std::int64_t k_longest_seconds = std::int64_t{180} * 24 * 3600;

constexpr std::uint64_t k_largest = std::uint64_t{16} << 20; ///< one has a long command line

std::string text_in(const os::Dir& folder, const std::string& key) {
  const auto stat = folder.try_stat(key.c_str());
  if (stat && !stat->is_file()) {
    throw os::Error(os::format("{} is no file", os::quoted(folder.path_of(key.c_str()))));
  }
  return stat && stat->size <= k_largest ? os::read_small_file(folder, key.c_str()).value_or("")
                                         : "";
}

History history_from(std::string_view text) {
  auto out = read_record<History>(text).value_or(History());
  out.runs.resize(std::min(out.runs.size(), k_most_past_runs));
  return out;
}

} // namespace

void remember(const Root& root, const std::string& key, PastRun run) {
  const auto folder = root.make_inner(k_histories);
  const auto text = text_in(folder, key);
  auto history = history_from(text);
  auto& runs = history.runs;
  if (runs.empty() && is_newer(text)) {
    throw os::Error(os::format("a newer snapfix wrote {}", os::quoted(folder.path_of(key.c_str()))),
                    "use that one with this root, or remove the file");
  }
  // By the order in which they come: a clock may jump back.
  const auto same =
      std::ranges::find_if(runs, [&](const PastRun& other) { return other.is_same_run(run); });
  if (same != runs.end()) {
    *same = std::move(run);
  } else {
    runs.insert(runs.begin(), std::move(run));
  }
  runs.resize(std::min(runs.size(), k_most_past_runs));
  for (std::size_t i = 1; i < runs.size(); ++i) {
    runs[i].details.reset();
  }
  // Only its owner can read it: a command line may hold secrets.
  os::replace_file(folder, key.c_str(), text_of(history), 0600);
}

std::optional<PastRun> last_past_run(const Root& root, const std::string& key) {
  auto runs = history_from(text_in(root.make_inner(k_histories), key)).runs;
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
    auto& of = out.emplace_back(KeyedHistory{entry.name, {}});
    try {
      of.history = history_from(text_in(folder, entry.name));
    } catch (const os::Error&) { // as one that is damaged
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
    if (!stat || !stat->is_file() || stat->mtime.seconds >= oldest ||
        root.top().try_stat(key.c_str()) || os::half_replaced(key)) {
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
