#include "snapshot/look.hpp"

#include <algorithm>
#include <map>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace snapfix::snapshot {
namespace {

/// Both the folder's files and the last base's are in byte order.
void take_over_folder(Look& look, const source::ScannedFolder& folder, std::size_t first_state,
                      const Base& base, const FolderRecord& last, const FreezeRecord& record,
                      const std::unordered_set<std::size_t>& damaged) {
  const auto last_files = base.files_of(last);
  std::size_t at = 0;
  for (std::size_t i = 0; i < folder.files.size(); ++i) {
    const auto& file = folder.files[i];
    while (at < last_files.size() && base.text(last_files[at].name) < file.name) {
      ++at;
    }
    if (at == last_files.size() || base.text(last_files[at].name) != file.name) {
      continue;
    }
    const FileRecord& known = last_files[at];
    const std::size_t index = last.first_file + at;
    const SeenFile& seen = record.seen[index];
    const bool lost = known.object != os::Hash() && (known.inode == 0 || damaged.contains(index));
    if (!lost && seen.looks_like(file.stat)) {
      FileState& state = look.states[first_state + i];
      state.record = known; // even where it must be read, its content may still fit
      state.target = known.is_symlink() ? base.text(known.target) : "";
      state.known =
          seen.is_unchanged(file.stat) ? FileState::Known::from_last_base : FileState::Known::no;
    }
  }
}

} // namespace

bool Look::equals(const Base& base) const {
  return states.size() == base.files().size() &&
         std::ranges::all_of(states,
                             [](const FileState& state) {
                               return state.known == FileState::Known::from_last_base;
                             }) &&
         std::ranges::equal(scan.folders, base.folders(),
                            [&](const source::ScannedFolder& folder, const FolderRecord& last) {
                              return folder.path == base.text(last.path) &&
                                     folder.stat.permissions() == last.permissions;
                            });
}

Look look_at(const source::Selection& selection, const os::Dir& top) {
  Look out;
  out.listing = source::list_source(selection);
  out.scan = source::scan(top, out.listing);
  std::size_t count = 0;
  for (const auto& folder : out.scan.folders) {
    count += folder.files.size();
  }
  out.states.resize(count);
  return out;
}

void take_over(Look& look, const Base& last, const FreezeRecord& seen,
               const std::unordered_set<std::size_t>& damaged) {
  std::unordered_map<std::string_view, const FolderRecord*> last_folders;
  for (const auto& folder : last.folders()) {
    last_folders.emplace(last.text(folder.path), &folder);
  }
  std::size_t first_state = 0;
  for (const auto& folder : look.scan.folders) {
    if (const auto found = last_folders.find(folder.path); found != last_folders.end()) {
      take_over_folder(look, folder, first_state, last, *found->second, seen, damaged);
    }
    first_state += folder.files.size();
  }
}

void take_over(Look& look, const Look& before) {
  struct Read {
    const os::Stat* stat;
    const FileState* state;
  };
  std::map<std::pair<std::string_view, std::string_view>, Read> read;
  std::size_t index = 0;
  for (const auto& folder : before.scan.folders) {
    for (const auto& file : folder.files) {
      const FileState& state = before.states[index++];
      if (state.known == FileState::Known::read) {
        read.emplace(std::pair(std::string_view(folder.path), file.name), Read{&file.stat, &state});
      }
    }
  }
  if (read.empty()) {
    return;
  }
  index = 0;
  for (const auto& folder : look.scan.folders) {
    for (const auto& file : folder.files) {
      FileState& state = look.states[index++];
      const auto found = read.find({folder.path, file.name});
      if (state.known == FileState::Known::no && found != read.end() &&
          source::same_stat(*found->second.stat, file.stat)) {
        state = *found->second.state;
      }
    }
  }
}

} // namespace snapfix::snapshot
