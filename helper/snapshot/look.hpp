#pragma once

#include "os/dir.hpp"
#include "snapshot/manifest.hpp"
#include "source/list.hpp"
#include "source/scan.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// What was found out about a file of the source that may differ from the last base's.
struct FileState {
  FileRecord record{}; ///< as long as it is not read: the last base's, where its content may fit
  std::string target;  ///< a symlink's text
  bool is_read = false;
};

/// One look at the source, and what came of it. A look at a source that did not change costs little
/// memory: only files that may differ have a state of their own.
class Look {
public:
  /// Lists and stats the source. While git lists, the files that `last` (or nothing) holds are
  /// stat'ed already: most often they are those that git will name.
  Look(const source::Selection& selection, const source::SourceDirs& dirs,
       const source::AddGit& add_git, const Base* last);
  Look() = default;

  source::Listing listing; ///< holds the names that the scan points to
  source::Scan scan;

  /// How many files there are, and which is the first of each folder of the scan.
  std::size_t file_count() const noexcept { return m_last.size(); }
  const std::vector<std::size_t>& first_files() const noexcept { return m_first_files; }

  /// Takes over from the last base, and what its freeze saw, all files that need not be read; those
  /// whose object is lost must be. The others, without a last base all, get states of their own.
  void take_over(const Base* last, const FreezeRecord* seen);

  /// Takes over what was read in the look before this one, where the stat is still the same.
  void take_over(Look&& before);

  /// The state of a file that is not taken over from the last base; nothing for one that is.
  FileState* state_of(std::size_t file) {
    return is_taken_over(file) ? nullptr : &m_states[m_last[file] & ~k_has_state];
  }

  /// The place of a file in the last base that it was taken over from.
  std::size_t place_in_last(std::size_t file) const { return m_last[file]; }

  /// Whether the source has files of the same names as that base, which they were taken over from.
  bool has_names_of(const Base& base) const;

  /// Whether the source is in the state of that base, which files were taken over from.
  bool equals(const Base& base) const;

private:
  static constexpr std::uint32_t k_has_state = std::uint32_t{1} << 31U;
  static constexpr std::uint32_t k_unknown = ~std::uint32_t{0};

  bool is_taken_over(std::size_t file) const { return (m_last[file] & k_has_state) == 0; }
  void add_state(std::uint32_t& place, FileState state);
  void take_over_folder(std::size_t folder, const Base& base, const FolderRecord& last,
                        const FreezeRecord& seen);

  std::vector<std::size_t> m_first_files;
  std::size_t m_names_in_last = 0; ///< how many files have the name of one of the last base
  /// For each file its place in the last base, or in m_states with k_has_state.
  std::vector<std::uint32_t> m_last;
  std::vector<FileState> m_states;
};

} // namespace snapfix::snapshot
