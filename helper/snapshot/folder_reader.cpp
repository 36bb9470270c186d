#include "snapshot/folder_reader.hpp"

#include "os/error.hpp"
#include "os/file.hpp"

namespace snapfix::snapshot {

void FolderReader::read(const source::ScannedFile& file, FileState& state) {
  const std::string name(file.name);
  const FileRecord last = state.record;
  FileRecord& record = state.record;
  record = {};
  record.size = file.stat.size;
  record.mtime_seconds = file.stat.mtime.seconds;
  record.mtime_nanoseconds = file.stat.mtime.nanoseconds;
  record.mode = file.stat.mode;
  if (file.stat.is_symlink()) {
    try {
      state.target = m_dir.read_symlink(name.c_str());
    } catch (const os::Error&) { // a file by now, or gone
      throw SourceChanged(m_dir.path_of(name.c_str()));
    }
    record.content = os::hash_of(state.target);
    return;
  }
  if (m_from == LinkFrom::source) {
    record.inode = file.stat.inode;
    return;
  }
  const std::string path = m_dir.path_of(name.c_str());
  const auto check = [&](const os::UniqueFd& fd, os::Freshness freshness) {
    if (!source::same_stat(os::stat_of(fd.get(), path, freshness), file.stat)) {
      throw SourceChanged(path);
    }
  };
  os::UniqueFd fd;
  try {
    fd = m_dir.open_to_read(name.c_str());
  } catch (const os::Error& error) {
    if (error.error_number() == ENOENT || error.error_number() == ELOOP) {
      throw SourceChanged(path);
    }
    throw os::Error("read", {path}, error.error_number(),
                    "every file of the source must be readable: change its mode, or take it out of "
                    "the source (git rm --cached)");
  }
  check(fd, os::Freshness::cached); // worth reading; what counts is that it is so at the end
  ++m_counts.files_read;
  m_counts.bytes_read += file.stat.size;
  if (last.inode != 0) {
    // Only its ctime or inode moved (a link, a chmod and back): most likely nothing to copy.
    record.content = os::hash_file(fd.get(), path);
    if (record.content == last.content) {
      check(fd, os::Freshness::server);
      record = last;
      return;
    }
  }
  if (!m_bucket) {
    m_bucket = m_store.make_bucket(m_folder.path);
  }
  Store::Incoming incoming(m_store, *m_bucket, record.permissions());
  record.content = copy_to_store(fd, path, incoming, file.stat);
  check(fd, os::Freshness::server);
  incoming.seal(record);
  record.object = Store::object_of(m_folder.path, file.name, record.content, record.permissions(),
                                   record.mtime());
  record.inode = incoming.publish(record.object, record);
}

os::Hash FolderReader::copy_to_store(os::UniqueFd& from, const std::string& path,
                                     Store::Incoming& incoming, const os::Stat& stat) {
  ++m_counts.files_copied;
  if (m_can_reflink && stat.size > 0) {
    const int failed = os::try_reflink(from.get(), incoming.fd());
    if (failed == 0) {
      return os::hash_file(incoming.fd(), incoming.path());
    }
    if (!os::means_no_reflink(failed)) {
      throw os::Error("reflink", {path, incoming.path()}, failed);
    }
    m_can_reflink = false;
  }
  os::Hasher hasher;
  const auto size =
      os::copy_data(from.get(), path, incoming.fd(), incoming.path(), stat.size, &hasher);
  if (size != stat.size) {
    throw SourceChanged(path);
  }
  m_counts.bytes_copied += size;
  return hasher.finish();
}

} // namespace snapfix::snapshot
