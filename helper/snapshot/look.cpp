#include "snapshot/look.hpp"

#include "os/error.hpp"

#include <algorithm>
#include <future>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace snapfix::snapshot {

namespace {

/// What the base holds, as if it had been listed, but for what may just be made. Its names are the
/// base's.
source::Listing listing_of(const Base& base) {
  source::Listing out;
  for (const auto& folder : base.folders()) {
    if (source::lies_in_git(base.text(folder.path))) {
      continue;
    }
    auto& listed = out.folders.emplace_back();
    listed.path = base.text(folder.path);
    listed.keep_if_empty = true;
    for (const auto& file : base.files_of(folder)) {
      listed.names.push_back({base.text(file.name)});
    }
  }
  return out;
}

source::Scan scan_as_last_time(const source::SourceDirs& dirs, const Base& last) {
  try {
    return source::scan(dirs, listing_of(last));
  } catch (const os::Error&) {
    return {}; // if it still is of the source, the look at what git lists will say so
  }
}

} // namespace

Look::Look(const source::Selection& selection, const source::SourceDirs& dirs,
           const source::AddGit& add_git, const Base* last) {
  // Deferred where no thread is to be had.
  auto listed = std::async(std::launch::async | std::launch::deferred,
                           [&] { return source::list_source(selection, add_git); });
  source::Scan known;
  if (last != nullptr) {
    known = scan_as_last_time(dirs, *last);
  }
  listing = listed.get();
  scan = source::scan(dirs, listing, std::move(known));
  listing.folders = {}; // the scan names what is there
  std::size_t count = 0;
  for (const auto& folder : scan.folders) {
    m_first_files.push_back(count);
    count += folder.files.size();
  }
  if (count >= k_has_state) {
    throw os::Error("the source has more than 2,147,483,647 files");
  }
  m_last.assign(count, k_unknown);
}

void Look::add_state(std::uint32_t& place, FileState state) {
  place = k_has_state | static_cast<std::uint32_t>(m_states.size());
  m_states.push_back(std::move(state));
}

/// Both the folder's files and the last base's are in byte order.
void Look::take_over_folder(std::size_t folder_index, const Base& base, const FolderRecord& last,
                            const FreezeRecord& record) {
  const auto& files = scan.folders[folder_index].files;
  const auto last_files = base.files_of(last);
  std::size_t at = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const auto& file = files[i];
    while (at < last_files.size() && base.text(last_files[at].name) < file.name) {
      ++at;
    }
    if (at == last_files.size() || base.text(last_files[at].name) != file.name) {
      continue;
    }
    ++m_names_in_last;
    const FileRecord& known = last_files[at];
    const SeenFile& seen = record.seen()[last.first_file + at];
    const bool lost = known.object != os::Hash() && known.inode == 0;
    if (lost || !seen.looks_like(file.stat)) {
      continue;
    }
    std::uint32_t& place = m_last[m_first_files[folder_index] + i];
    if (seen.is_unchanged(file.stat)) {
      place = static_cast<std::uint32_t>(last.first_file + at);
    } else { // it must be read, but its content may still fit
      add_state(place, {known, known.is_symlink() ? base.text(known.target) : "", false});
    }
  }
}

void Look::take_over(const Base* last, const FreezeRecord* seen) {
  if (last != nullptr && seen != nullptr) {
    std::unordered_map<std::string_view, const FolderRecord*> last_folders;
    for (const auto& folder : last->folders()) {
      last_folders.emplace(last->text(folder.path), &folder);
    }
    for (std::size_t i = 0; i < scan.folders.size(); ++i) {
      if (const auto found = last_folders.find(scan.folders[i].path); found != last_folders.end()) {
        take_over_folder(i, *last, *found->second, *seen);
      }
    }
  }
  // All at once: where there is no last base, a vector that grows would want half as much again.
  m_states.reserve(m_states.size() +
                   static_cast<std::size_t>(std::ranges::count(m_last, k_unknown)));
  for (auto& place : m_last) {
    if (place == k_unknown) {
      add_state(place, {});
    }
  }
}

bool Look::has_names_of(const Base& base) const {
  return m_names_in_last == base.files().size() && m_last.size() == base.files().size();
}

bool Look::equals(const Base& base) const {
  return has_names_of(base) && m_states.empty() &&
         std::ranges::equal(scan.folders, base.folders(),
                            [&](const source::ScannedFolder& folder, const FolderRecord& last) {
                              return folder.path == base.text(last.path) &&
                                     folder.stat.permissions() == last.permissions;
                            });
}

void Look::take_over(Look&& before) {
  struct Read {
    const os::Stat* stat;
    FileState* state;
  };
  std::map<std::pair<std::string_view, std::string_view>, Read> read;
  std::size_t index = 0;
  for (const auto& folder : before.scan.folders) {
    for (const auto& file : folder.files) {
      FileState* state = before.state_of(index++);
      if (state != nullptr && state->is_read) {
        read.emplace(std::pair(std::string_view(folder.path), file.name), Read{&file.stat, state});
      }
    }
  }
  if (read.empty()) {
    return;
  }
  index = 0;
  for (const auto& folder : scan.folders) {
    for (const auto& file : folder.files) {
      FileState* state = state_of(index++);
      const auto found = read.find({folder.path, file.name});
      if (state != nullptr && found != read.end() &&
          source::same_stat(*found->second.stat, file.stat)) {
        *state = std::move(*found->second.state);
      }
    }
  }
}

} // namespace snapfix::snapshot
