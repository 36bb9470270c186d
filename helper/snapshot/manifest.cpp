#include "snapshot/manifest.hpp"

#include "os/error.hpp"
#include "snapshot/base_check.hpp"
#include "snapshot/manifest_file.hpp"
#include "snapshot/record.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <limits>
#include <utility>

namespace snapfix::snapshot {

static_assert(sizeof(FolderRecord) == 40);
static_assert(sizeof(FileRecord) == 72);
static_assert(sizeof(SeenFile) == 48);

bool FileRecord::agrees_with(const os::Stat& stat) const noexcept {
  return stat.size == size && stat.mtime == mtime() && stat.mode == mode;
}

bool SeenFile::looks_like(const os::Stat& stat) const noexcept {
  return size == stat.size && mode == stat.mode &&
         os::Time{mtime_seconds, mtime_nanoseconds} == stat.mtime;
}

bool SeenFile::is_unchanged(const os::Stat& stat) const noexcept {
  return settled != 0 && inode == stat.inode && looks_like(stat) &&
         os::Time{ctime_seconds, ctime_nanoseconds} == stat.ctime;
}

const char* copy_reason(Made made) {
  switch (made) {
  case Made::copied_requested:
    return "requested";
  case Made::copied_link_mode:
    return "link-mode";
  case Made::copied_exdev:
    return "EXDEV";
  case Made::copied_emlink:
    return "EMLINK";
  case Made::copied_eperm:
    return "EPERM";
  case Made::copied_unsupported:
    return "EOPNOTSUPP";
  case Made::linked:
  case Made::reflinked:
  case Made::symlink:
  case Made::excluded:
    break;
  }
  return nullptr;
}

std::optional<Base> Base::load(const os::Dir& bases, const os::Hash& id) {
  auto file = map_manifest(bases, id.hex().c_str());
  auto out = parse(file.bytes());
  if (!out || out->id() != id) {
    return std::nullopt;
  }
  out->m_file = std::make_shared<const os::MappedFile>(std::move(file));
  return out;
}

std::optional<Base> Base::parse(std::span<const std::byte> bytes) {
  const auto parts = parse_manifest(bytes, ManifestKind::base);
  if (!parts) {
    return std::nullopt;
  }
  auto meta = read_record<BaseMeta>(text_in(parts->sections[0]));
  const auto folders = records_in<FolderRecord>(parts->sections[1]);
  const auto files = records_in<FileRecord>(parts->sections[2]);
  const auto texts = text_in(parts->sections[3]);
  if (!meta || !folders || !files || !is_sound_base(*folders, *files, texts)) {
    return std::nullopt;
  }
  Base out;
  out.m_id = parts->base;
  out.m_meta = std::move(*meta);
  out.m_folders = *folders;
  out.m_files = *files;
  out.m_texts = texts;
  return out;
}

std::string Base::path_of(const FolderRecord& folder, const FileRecord& file) const {
  const std::string_view path = text(folder.path);
  return path.empty() ? text(file.name) : std::string(path) + "/" + text(file.name);
}

const FolderRecord& Base::folder_of(std::size_t file_index) const {
  const auto after = std::ranges::upper_bound(m_folders, file_index, {}, &FolderRecord::first_file);
  // Folders without files begin where the next one does: the last that begins here holds it.
  return *(after - 1);
}

std::optional<std::size_t> Base::find(std::string_view path) const {
  const auto folder_path = source::folder_of(path);
  const auto name = source::name_of(path);
  const auto folder = std::ranges::find_if(
      m_folders, [&](const FolderRecord& record) { return text(record.path) == folder_path; });
  if (folder == m_folders.end()) {
    return std::nullopt;
  }
  const auto at = find_in(*folder, name);
  return at ? std::optional(*at + folder->first_file) : std::nullopt;
}

std::optional<std::size_t> Base::find_in(const FolderRecord& folder, std::string_view name) const {
  const auto files = files_of(folder); // in byte order
  const auto found = std::ranges::lower_bound(files, name, {}, [this](const FileRecord& record) {
    return std::string_view(text(record.name));
  });
  const bool there = found != files.end() && text(found->name) == name;
  return there ? std::optional(static_cast<std::size_t>(found - files.begin())) : std::nullopt;
}

std::vector<std::vector<std::size_t>> children_of_folders(const Base& base) {
  std::vector<std::vector<std::size_t>> out(base.folders().size());
  for (std::size_t i = 1; i < base.folders().size(); ++i) {
    out[base.folders()[i].parent].push_back(i);
  }
  return out;
}

std::uint32_t BaseWriter::keep(std::string_view text) {
  if (m_texts.size() + text.size() >= std::numeric_limits<std::uint32_t>::max()) {
    throw os::Error("the source has more than 4 GiB of file names");
  }
  const auto offset = static_cast<std::uint32_t>(m_texts.size());
  m_texts += text;
  m_texts += '\0';
  return offset;
}

void BaseWriter::add_folder(std::string_view path, std::uint32_t permissions, os::Time mtime) {
  while (!m_open.empty() && !m_open.back().first.empty() &&
         !(path.starts_with(m_open.back().first) && path[m_open.back().first.size()] == '/')) {
    m_open.pop_back();
  }
  const auto slash = path.rfind('/');
  const auto name_at = static_cast<std::uint32_t>(slash == std::string_view::npos ? 0 : slash + 1);
  const std::uint32_t text = keep(path);
  const auto index = static_cast<std::uint32_t>(m_folders.size());
  m_folders.push_back({mtime.seconds, mtime.nanoseconds, permissions, text, text + name_at,
                       m_open.empty() ? index : m_open.back().second,
                       static_cast<std::uint32_t>(m_files.size()), 0, 0});
  m_open.emplace_back(path, index);
}

void BaseWriter::add_file(std::string_view name, FileRecord record, std::string_view target) {
  record.name = keep(name);
  record.target = record.is_symlink() ? keep(target) : 0;
  m_files.push_back(record);
  ++m_folders.back().file_count;
}

os::Hash BaseWriter::id(std::string_view key) const {
  os::Hasher hasher;
  hasher.add(key);
  for (const auto& folder : m_folders) {
    hasher.add(std::string_view(&m_texts[folder.path]));
    hasher.add_number(folder.permissions);
    hasher.add_number(folder.file_count);
    for (std::size_t i = folder.first_file; i < folder.first_file + folder.file_count; ++i) {
      const FileRecord& file = m_files[i];
      const std::string_view name(&m_texts[file.name]);
      hasher.add_number(name.size());
      hasher.add(name);
      hasher.add_number(file.size);
      hasher.add_number(static_cast<std::uint64_t>(file.mtime_seconds));
      hasher.add_number(file.mtime_nanoseconds);
      hasher.add_number(file.mode);
      hasher.add_number(file.content.high);
      hasher.add_number(file.content.low);
      if (file.object == os::Hash()) {
        hasher.add_number(file.inode); // nothing was read: the inode stands for the content
      }
    }
  }
  return hasher.finish();
}

void BaseWriter::write(const os::Dir& bases, const os::Hash& id, const BaseMeta& meta) const {
  const std::string text = text_of(meta);
  os::replace_file(bases, id.hex().c_str(),
                   assemble_manifest(ManifestKind::base, id,
                                     {bytes_of(text), bytes_of(m_folders), bytes_of(m_files),
                                      bytes_of(std::string_view(m_texts))}));
}

void rewrite_inodes(const os::Dir& bases, const Base& base, const InodeChanges& changes) {
  std::vector<FileRecord> files(base.files().begin(), base.files().end());
  for (const auto& [index, inode] : changes) {
    files.at(index).inode = inode;
  }
  const std::string meta = text_of(base.meta());
  os::replace_file(bases, base.id().hex().c_str(),
                   assemble_manifest(ManifestKind::base, base.id(),
                                     {bytes_of(meta), std::as_bytes(base.folders()),
                                      bytes_of(files), bytes_of(base.texts())}));
}

std::optional<SnapshotManifest> SnapshotManifest::load(const os::Dir& snapshots,
                                                       const std::string& folder) {
  return parse(map_manifest(snapshots, folder.c_str()).bytes());
}

std::optional<SnapshotManifest> SnapshotManifest::parse(std::span<const std::byte> bytes) {
  const auto parts = parse_manifest(bytes, ManifestKind::snapshot);
  if (!parts) {
    return std::nullopt;
  }
  auto meta = read_record<SnapshotMeta>(text_in(parts->sections[0]));
  const auto inodes = records_in<std::uint64_t>(parts->sections[1]);
  const auto made = records_in<Made>(parts->sections[2]);
  const auto folders = records_in<FolderState>(parts->sections[3]);
  const auto is_known = [](Made how) { return how <= Made::excluded; };
  if (!meta || !inodes || !made || !folders || inodes->size() != made->size() ||
      !std::ranges::all_of(*made, is_known)) {
    return std::nullopt;
  }
  SnapshotManifest out;
  out.base = parts->base;
  out.meta = std::move(*meta);
  out.inodes.assign(inodes->begin(), inodes->end());
  out.made.assign(made->begin(), made->end());
  out.folders.assign(folders->begin(), folders->end());
  return out;
}

os::Replacement SnapshotManifest::prepare(const os::Dir& snapshots,
                                          const std::string& folder) const {
  const std::string text = text_of(meta);
  return {snapshots, folder,
          assemble_manifest(ManifestKind::snapshot, base,
                            {bytes_of(text), bytes_of(inodes), bytes_of(made), bytes_of(folders)})};
}

std::optional<FreezeRecord> FreezeRecord::load(const os::Dir& sources, const os::Hash& key) {
  auto file = map_manifest(sources, key.hex().c_str());
  auto out = parse(file.bytes());
  if (out) {
    out->m_file = std::move(file);
  }
  return out;
}

std::optional<FreezeRecord> FreezeRecord::parse(std::span<const std::byte> bytes) {
  const auto parts = parse_manifest(bytes, ManifestKind::freeze_record);
  const auto seen = parts ? records_in<SeenFile>(parts->sections[1]) : std::nullopt;
  if (!seen) {
    return std::nullopt;
  }
  FreezeRecord out;
  out.m_base = parts->base;
  out.m_seen = *seen;
  return out;
}

std::set<os::Hash> FreezeRecord::last_bases(const os::Dir& sources) {
  std::set<os::Hash> out;
  for (const auto& entry : sources.entries()) {
    const auto key = os::Hash::from_hex(entry.name);
    if (const auto record = key ? load(sources, *key) : std::nullopt) {
      out.insert(record->base());
    }
  }
  return out;
}

void FreezeRecord::write(const os::Dir& sources, const os::Hash& key, const os::Hash& base,
                         const std::vector<SeenFile>& seen) {
  os::replace_file(sources, key.hex().c_str(),
                   assemble_manifest(ManifestKind::freeze_record, base,
                                     {Bytes(), bytes_of(seen), Bytes(), Bytes()}));
}

} // namespace snapfix::snapshot
