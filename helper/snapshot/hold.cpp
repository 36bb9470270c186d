#include "snapshot/hold.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/slurm.hpp"
#include "os/time_text.hpp"
#include "snapshot/record.hpp"

#include <algorithm>
#include <utility>

namespace snapfix::snapshot {
namespace {

/// In place of a job's id.
constexpr const char* k_until = "until";

std::string file_of(const std::string& folder, const std::string& slurm) {
  return os::format("{}:{}", folder, slurm.empty() ? k_until : slurm);
}

/// All of a snapshot, by the names of their files. One that cannot be read stands: a newer helper
/// may have written it.
std::vector<std::pair<std::string, HoldRecord>> all_of(const Root& root,
                                                       const std::string& folder) {
  std::vector<std::pair<std::string, HoldRecord>> out;
  for (const auto& entry : root.holds().entries()) {
    if (!entry.name.starts_with(folder + ":")) {
      continue;
    }
    if (const auto text = os::read_small_file(root.holds(), entry.name.c_str())) {
      auto hold = read_record<HoldRecord>(*text).value_or(HoldRecord());
      const auto id = entry.name.substr(folder.size() + 1);
      hold.slurm = id == k_until ? "" : id;
      out.emplace_back(entry.name, std::move(hold));
    }
  }
  std::ranges::sort(out, {}, [](const auto& hold) { return hold.first; });
  return out;
}

/// Whether the Slurm that we ask is the one whose job it is: another knows nothing of it.
bool is_of_our_slurm(const HoldRecord& hold) {
  if (hold.slurm.find(';') != std::string::npos) {
    return true; // it was asked of that cluster
  }
  if (hold.cluster.empty() ? hold.host == os::host_name() : hold.cluster == os::slurm_cluster()) {
    return true;
  }
  static bool told = false;
  if (!std::exchange(told, true)) {
    os::note(os::format("the Slurm of this machine is not known to be that of job {} ({}), which "
                        "was held on {}: it stays held",
                        hold.slurm,
                        hold.cluster.empty() ? "its cluster is not known"
                                             : os::format("cluster {}", os::quoted(hold.cluster)),
                        os::quoted(hold.host)));
  }
  return false;
}

bool is_over(const HoldRecord& hold) {
  if (hold.slurm.empty()) {
    return !hold.until.empty() && hold.until <= os::to_iso8601(os::now());
  }
  return os::state_of_slurm_job(hold.slurm) == os::JobState::gone && is_of_our_slurm(hold);
}

/// With the lock of the snapshot's name.
void clear_those_over(const Root& root, const std::string& folder) {
  for (const auto& [file, hold] : all_of(root, folder)) {
    if (is_over(hold)) {
      root.holds().unlink_if_present(file.c_str());
    }
  }
}

} // namespace

std::vector<HoldRecord> holds_of(const Root& root, const std::string& folder) {
  std::vector<HoldRecord> out;
  bool is_one_over = false;
  for (auto& [file, hold] : all_of(root, folder)) {
    if (is_over(hold)) {
      is_one_over = true;
    } else {
      out.push_back(std::move(hold));
    }
  }
  if (is_one_over) {
    try {
      if (const auto lock = root.try_lock_name(folder)) {
        clear_those_over(root, folder);
      }
    } catch (const os::Error&) { // who only looks may not be able to
    }
  }
  return out;
}

std::string to_text(const HoldRecord& hold) {
  return !hold.slurm.empty()  ? os::format("Slurm job {}", hold.slurm)
         : hold.until.empty() ? "a hold that this version cannot read"
                              : os::format("a hold until {}", hold.until);
}

void hold(Held& held, const HoldRecord& hold) {
  held.require();
  os::replace_file(held.root().holds(), file_of(held.folder(), hold.slurm).c_str(), text_of(hold));
}

std::vector<HoldRecord> release(const Root& root, const std::string& folder,
                                const std::optional<std::string>& slurm) {
  std::vector<HoldRecord> out;
  for (auto& [file, hold] : all_of(root, folder)) {
    if (!slurm || hold.slurm == *slurm) {
      root.holds().unlink_if_present(file.c_str());
      out.push_back(std::move(hold));
    }
  }
  return out;
}

std::string holders(const Held& held) {
  std::vector<std::string> out;
  for (const auto& [file, hold] : all_of(held.root(), held.folder())) {
    if (is_over(hold)) {
      held.root().holds().unlink_if_present(file.c_str());
    } else if (!os::is_in_slurm_job(hold.slurm, hold.cluster)) {
      out.push_back(to_text(hold));
    }
  }
  return os::joined(out, ", ");
}

void require_not_held(const Held& held) {
  if (const auto by = holders(held); !by.empty()) {
    throw os::Error(
        os::format("the snapshot {} is held by {}: it stays as it is", os::quoted(held.name()), by),
        os::format("wait until that is over: 'snapfix show {0} --root {1}' tells\n"
                   "or give it up: snapfix release {0} --root {1}",
                   held.name(), held.root().path()));
  }
}

} // namespace snapfix::snapshot
