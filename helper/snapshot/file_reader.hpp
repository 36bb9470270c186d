#pragma once

#include "os/dir.hpp"
#include "os/fd.hpp"
#include "snapshot/freeze.hpp"
#include "snapshot/look.hpp"
#include "snapshot/store.hpp"
#include "source/scan.hpp"

#include <atomic>
#include <string>

namespace snapfix::snapshot {

/// The source changed under our eyes: try again.
struct SourceChanged {
  std::string path;
};

/// Reads files of the source that may have changed, and copies those that did into the store.
class FileReader {
public:
  FileReader(Store& store, LinkFrom from) : m_store(store), m_from(from) {}

  /// Fills in the record of a file in `dir`. Threads may call it at the same time.
  /// Throws SourceChanged where the file is not what `file` says, before or after; os::Error.
  void read(const source::ScannedFolder& folder, const os::Dir& dir,
            const source::ScannedFile& file, FileState& state, ReadCounts& counts);

private:
  os::Hash copy_to_store(os::UniqueFd& from, const std::string& path, Store::Incoming& incoming,
                         const os::Stat& stat, ReadCounts& counts);

  Store& m_store;
  LinkFrom m_from;
  std::atomic<bool> m_can_reflink{true};
};

} // namespace snapfix::snapshot
