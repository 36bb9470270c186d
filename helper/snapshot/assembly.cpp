#include "snapshot/assembly.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "snapshot/freeze.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <utility>

namespace snapfix::snapshot {
namespace {

/// A folder stands before what it holds, siblings in byte order.
bool in_tree_order(const std::string& one, const std::string& other) {
  return std::ranges::lexicographical_compare(
      one, other, {}, [](char c) { return c == '/' ? 0 : 1 + static_cast<unsigned char>(c); },
      [](char c) { return c == '/' ? 0 : 1 + static_cast<unsigned char>(c); });
}

os::Hash key_of(const BaseMeta& meta) {
  source::Selection selection;
  selection.source = meta.source;
  selection.files = meta.files;
  selection.git = meta.git;
  selection.include = source::GlobSet(meta.include, meta.source);
  return freeze_key(selection, meta.link_from);
}

} // namespace

struct BaseAssembly::Open {
  Open(Store& store, std::string_view folder, std::uint32_t permissions)
      : bucket(store.make_bucket(folder)), incoming(store, bucket, permissions) {}

  std::size_t index = 0;
  os::Dir bucket;
  Store::Incoming incoming;
  os::Hasher hasher;
  std::uint64_t size = 0;
};

BaseAssembly::BaseAssembly(const Root& root, BaseMeta meta, std::vector<PartFolder> folders,
                           std::vector<PartFile> files)
    : m_root(root), m_meta(std::move(meta)), m_folders(std::move(folders)),
      m_files(std::move(files)), m_source_lock(root.lock_source(key_of(m_meta))),
      m_store(root, m_meta.source), m_records(m_files.size()) {
  m_store.clear_incoming();
  std::ranges::sort(m_folders, in_tree_order, &PartFolder::path);
  for (std::size_t i = 0; i < m_files.size(); ++i) {
    const PartFile& file = m_files[i];
    FileRecord& record = m_records[i];
    record.size = file.size;
    record.mtime_seconds = file.mtime.seconds;
    record.mtime_nanoseconds = file.mtime.nanoseconds;
    record.mode = file.mode;
    record.content = record.is_symlink() ? os::hash_of(file.target) : file.content;
  }
}

BaseAssembly::~BaseAssembly() = default;

void BaseAssembly::begin(std::size_t index) {
  const PartFile& file = m_files.at(index);
  m_open =
      std::make_unique<Open>(m_store, source::folder_of(file.path), m_records[index].permissions());
  m_open->index = index;
}

void BaseAssembly::add(std::span<const std::byte> bytes) {
  m_open->hasher.add(bytes);
  m_open->size += bytes.size();
  os::write_all(m_open->incoming.fd(), bytes, m_open->incoming.path());
}

void BaseAssembly::end() {
  const auto open = std::exchange(m_open, nullptr);
  const PartFile& file = m_files[open->index];
  FileRecord& record = m_records[open->index];
  if (open->size != file.size || open->hasher.finish() != file.content) {
    throw os::Error(os::format("{} is not what was recorded: its content has another id",
                               os::quoted(file.path)),
                    "is the pack damaged, or was it changed?");
  }
  open->incoming.seal(record);
  record.object = Store::object_of(source::folder_of(file.path), source::name_of(file.path),
                                   record.content, record.permissions(), record.mtime());
  record.inode = open->incoming.publish(record.object, record);
}

Base BaseAssembly::finish() {
  std::vector<std::size_t> order(m_files.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  const auto place = [this](std::size_t index) {
    const std::string& path = m_files[index].path;
    return std::pair(source::folder_of(path), source::name_of(path));
  };
  std::ranges::sort(order, {}, place);
  BaseWriter writer(m_files.size());
  for (const auto& folder : m_folders) {
    writer.add_folder(folder.path, folder.permissions, folder.mtime);
    const auto folder_at = [&](std::size_t index) { return place(index).first; };
    auto at = std::ranges::lower_bound(order, std::string_view(folder.path), {}, folder_at);
    for (; at != order.end() && folder_at(*at) == folder.path; ++at) {
      writer.add_file(place(*at).second, m_records[*at], m_files[*at].target);
    }
  }
  const auto id = writer.id(key_of(m_meta).hex());
  if (writer.file_count() == m_files.size()) {
    writer.write(m_root.bases(), id, m_meta);
  }
  auto out = Base::load(m_root.bases(), id);
  if (!out) {
    throw os::Error(os::format("the base {} cannot be read back", id.hex()),
                    "is the root's file system full or failing?");
  }
  return std::move(*out);
}

} // namespace snapfix::snapshot
