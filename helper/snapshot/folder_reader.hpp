#pragma once

#include "os/dir.hpp"
#include "os/fd.hpp"
#include "snapshot/freeze.hpp"
#include "snapshot/look.hpp"
#include "snapshot/store.hpp"
#include "source/scan.hpp"

#include <atomic>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

namespace snapfix::snapshot {

/// The source changed under our eyes: try again.
struct SourceChanged : std::runtime_error {
  explicit SourceChanged(std::string changed)
      : runtime_error("the source is changing"), path(std::move(changed)) {}

  std::string path;
};

/// Reads the files of one source folder that may have changed, and copies those that did into the
/// store.
class FolderReader {
public:
  /// `can_reflink` is what all readers of a freeze have found out. All must outlive the reader.
  FolderReader(Store& store, LinkFrom from, std::atomic<bool>& can_reflink,
               const source::ScannedFolder& folder, const os::Dir& dir)
      : m_store(store), m_from(from), m_can_reflink(can_reflink), m_folder(folder), m_dir(dir) {}

  /// Fills in the record of a file of the folder.
  /// Throws SourceChanged where the file is not what `file` says, before or after; os::Error.
  void read(const source::ScannedFile& file, FileState& state);

  const ReadCounts& counts() const noexcept { return m_counts; }

private:
  os::Hash copy_to_store(os::UniqueFd& from, const std::string& path, Store::Incoming& incoming,
                         const os::Stat& stat);

  Store& m_store;
  LinkFrom m_from;
  std::atomic<bool>& m_can_reflink;
  const source::ScannedFolder& m_folder;
  const os::Dir& m_dir;
  std::optional<os::Dir> m_bucket;
  ReadCounts m_counts;
};

} // namespace snapfix::snapshot
