#include "snapshot/manifest.hpp"

#include "os/error.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <utility>

namespace snapfix::snapshot {
namespace {

// Every manifest file: a header, a JSON text, then arrays of fixed-size records, each at a
// multiple of eight bytes. The checksum covers all behind it, so that a file that was cut or
// damaged by a crash of the machine counts as absent.

enum class Kind : std::uint32_t { base = 1, snapshot = 2, freeze_record = 3 };

constexpr std::array<char, 8> k_magic{'s', 'n', 'a', 'p', 'f', 'i', 'x', '\n'};
constexpr std::uint32_t k_version = 1;
constexpr std::size_t k_sections = 4;

struct Header {
  std::array<char, 8> magic;
  std::uint32_t version;
  Kind kind;
  os::Hash checksum; ///< of all that follows
  os::Hash base;
  std::array<std::uint64_t, k_sections> sizes; ///< bytes of each section
};

static_assert(sizeof(FolderRecord) == 40);
static_assert(sizeof(FileRecord) == 72);
static_assert(sizeof(SeenFile) == 48);
static_assert(sizeof(Header) % 8 == 0);

constexpr std::size_t k_checksum_end = offsetof(Header, checksum) + sizeof(os::Hash);

constexpr std::size_t padded(std::size_t size) {
  return (size + 7) / 8 * 8;
}

using Bytes = std::span<const std::byte>;

os::Hash checksum_of(Bytes file) {
  os::Hasher hasher;
  hasher.add(file.subspan(k_checksum_end));
  return hasher.finish();
}

std::vector<std::byte> assemble(Kind kind, const os::Hash& base,
                                const std::array<Bytes, k_sections>& sections) {
  Header header{k_magic, k_version, kind, {}, base, {}};
  std::size_t total = sizeof(Header);
  for (std::size_t i = 0; i < k_sections; ++i) {
    header.sizes[i] = sections[i].size();
    total += padded(sections[i].size());
  }
  std::vector<std::byte> out(total);
  std::memcpy(out.data(), &header, sizeof header);
  std::size_t offset = sizeof(Header);
  for (const auto& section : sections) {
    if (!section.empty()) {
      std::memcpy(out.data() + offset, section.data(), section.size());
    }
    offset += padded(section.size());
  }
  header.checksum = checksum_of(out);
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

struct Opened {
  os::MappedFile file;
  os::Hash base;
  std::array<Bytes, k_sections> sections;
};

std::optional<Opened> open_manifest(const os::Dir& dir, const char* name, Kind kind) {
  if (!dir.try_stat(name)) {
    return std::nullopt;
  }
  Opened out;
  try {
    out.file = os::MappedFile::open(dir, name);
  } catch (const os::Error& error) {
    if (error.error_number() == ENOENT) {
      return std::nullopt; // removed since
    }
    throw;
  }
  const Bytes bytes = out.file.bytes();
  Header header{};
  if (bytes.size() < sizeof header) {
    return std::nullopt;
  }
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != k_magic || header.version != k_version || header.kind != kind ||
      header.checksum != checksum_of(bytes)) {
    return std::nullopt;
  }
  out.base = header.base;
  std::size_t offset = sizeof header;
  for (std::size_t i = 0; i < k_sections; ++i) {
    if (header.sizes[i] > bytes.size() - offset) {
      return std::nullopt;
    }
    out.sections[i] = bytes.subspan(offset, header.sizes[i]);
    offset += padded(header.sizes[i]);
  }
  return out;
}

/// Records as they lie in the file; sections begin at multiples of eight.
template<typename Record> std::span<const Record> records_in(Bytes bytes) {
  return {reinterpret_cast<const Record*>(bytes.data()), // NOLINT(*-reinterpret-cast)
          bytes.size() / sizeof(Record)};
}

std::string_view text_in(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; // NOLINT(*-reinterpret-cast)
}

template<typename Record> Bytes bytes_of(const std::vector<Record>& records) {
  return std::as_bytes(std::span(records));
}

Bytes bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

std::string dump(const nlohmann::json& meta) {
  return meta.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace

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
  auto opened = open_manifest(bases, id.hex().c_str(), Kind::base);
  if (!opened || opened->base != id) {
    return std::nullopt;
  }
  Base out;
  out.m_id = id;
  out.m_meta = text_in(opened->sections[0]);
  out.m_folders = records_in<FolderRecord>(opened->sections[1]);
  out.m_files = records_in<FileRecord>(opened->sections[2]);
  out.m_texts = text_in(opened->sections[3]).data();
  out.m_file = std::make_shared<const os::MappedFile>(std::move(opened->file));
  return out;
}

nlohmann::json Base::meta() const {
  return nlohmann::json::parse(m_meta);
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

void BaseWriter::write(const os::Dir& bases, const os::Hash& id, const nlohmann::json& meta) const {
  const std::string text = dump(meta);
  os::replace_file(bases, id.hex().c_str(),
                   assemble(Kind::base, id,
                            {bytes_of(text), bytes_of(m_folders), bytes_of(m_files),
                             bytes_of(std::string_view(m_texts))}));
}

void rewrite_inodes(const os::Dir& bases, const Base& base,
                    const std::vector<std::pair<std::size_t, std::uint64_t>>& changes) {
  const std::string name = base.id().hex();
  const auto opened = open_manifest(bases, name.c_str(), Kind::base);
  if (!opened) {
    return; // gone since: nothing holds the old inodes
  }
  const auto files = records_in<FileRecord>(opened->sections[2]);
  std::vector<FileRecord> changed(files.begin(), files.end());
  for (const auto& [index, inode] : changes) {
    changed.at(index).inode = inode;
  }
  os::replace_file(
      bases, name.c_str(),
      assemble(Kind::base, base.id(),
               {opened->sections[0], opened->sections[1], bytes_of(changed), opened->sections[3]}));
}

std::optional<SnapshotManifest> SnapshotManifest::load(const os::Dir& snapshots,
                                                       const std::string& folder) {
  const auto opened = open_manifest(snapshots, folder.c_str(), Kind::snapshot);
  if (!opened) {
    return std::nullopt;
  }
  SnapshotManifest out;
  out.base = opened->base;
  out.meta = nlohmann::json::parse(text_in(opened->sections[0]));
  const auto inodes = records_in<std::uint64_t>(opened->sections[1]);
  const auto made = records_in<Made>(opened->sections[2]);
  out.inodes.assign(inodes.begin(), inodes.end());
  out.made.assign(made.begin(), made.end());
  return out;
}

os::Replacement SnapshotManifest::prepare(const os::Dir& snapshots,
                                          const std::string& folder) const {
  const std::string text = dump(meta);
  return {
      snapshots, folder,
      assemble(Kind::snapshot, base, {bytes_of(text), bytes_of(inodes), bytes_of(made), Bytes()})};
}

std::optional<FreezeRecord> FreezeRecord::load(const os::Dir& sources, const os::Hash& key) {
  auto opened = open_manifest(sources, key.hex().c_str(), Kind::freeze_record);
  if (!opened) {
    return std::nullopt;
  }
  FreezeRecord out;
  out.m_base = opened->base;
  out.m_seen = records_in<SeenFile>(opened->sections[1]);
  out.m_file = std::move(opened->file);
  return out;
}

void FreezeRecord::write(const os::Dir& sources, const os::Hash& key, const os::Hash& base,
                         const std::vector<SeenFile>& seen) {
  os::replace_file(
      sources, key.hex().c_str(),
      assemble(Kind::freeze_record, base, {Bytes(), bytes_of(seen), Bytes(), Bytes()}));
}

} // namespace snapfix::snapshot
