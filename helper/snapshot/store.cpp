#include "snapshot/store.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/parallel.hpp"
#include "os/process.hpp"
#include "snapshot/git_prototypes.hpp"
#include "snapshot/own_folder.hpp"
#include "source/listing.hpp"

#include <atomic>
#include <optional>
#include <utility>

namespace snapfix::snapshot {
namespace {

constexpr std::string_view k_incoming = "incoming.";
/// Stands as long as somebody writes into the store: found by the next one, it tells of one that
/// was killed.
constexpr const char* k_mark = "unfinished";
constexpr std::string_view k_hex_digits = "0123456789abcdef";
constexpr int k_bucket_digits = 2;
constexpr std::uint32_t k_store_mode = 02700;

using BucketName = std::array<char, k_bucket_digits + 1>;

char* put_hex(char* out, std::uint64_t number, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    *out++ = k_hex_digits[(number >> static_cast<unsigned>(shift)) & 0xFU];
  }
  return out;
}

void put_hex(char* out, const os::Hash& hash) {
  put_hex(put_hex(out, hash.high, 16), hash.low, 16);
}

/// The name of the folder that holds the objects of a source folder.
BucketName bucket_of(std::string_view folder_path) {
  BucketName out{};
  put_hex(out.data(), os::hash_of(folder_path).low & 0xFFU, k_bucket_digits);
  return out;
}

/// A file of the source, opened component by component; nothing if it is not there as a file.
os::UniqueFd open_in_source(const Root& root, const std::string& source, const std::string& path) {
  try {
    const auto folder = source::open_below(open_source(root, source), source::folder_of(path));
    auto fd =
        folder ? folder->open_to_read(std::string(source::name_of(path)).c_str()) : os::UniqueFd();
    return fd && os::stat_of(fd.get(), path).is_file() ? std::move(fd) : os::UniqueFd();
  } catch (const os::Error&) {
    return {}; // unreadable or gone: the object cannot come from there
  }
}

/// Makes the object anew from the source; the new inode, or 0 where the source holds other content.
std::uint64_t remake(const Root& root, Store& store, const std::string& source,
                     const Damage& damage, const FileRecord& record) {
  const os::UniqueFd from = open_in_source(root, source, damage.path);
  if (!from) {
    return 0;
  }
  const std::string from_path = source + "/" + damage.path;
  const os::Dir bucket = store.make_bucket(source::folder_of(damage.path));
  Store::Incoming incoming(store, bucket, record.permissions());
  os::Hasher hasher;
  const auto size =
      os::copy_data(from.get(), from_path, incoming.fd(), incoming.path(), record.size, &hasher);
  const bool fits = size == record.size && os::stat_of(from.get(), from_path).size == size &&
                    hasher.finish() == record.content;
  if (!fits) {
    return 0;
  }
  FileRecord sealed = record;
  incoming.seal(sealed);
  return incoming.publish(damage.object, sealed, true);
}

/// The inode of what stands in the object's place, if that is sound though not the inode that was
/// found bad: a later freeze has made it, or another process healed it since. Else 0.
std::uint64_t standing_inode(const Store& store, const os::Dir& bucket, const Damage& damage,
                             const FileRecord& record) {
  const ObjectName name = Store::name_of(damage.object);
  const auto stat = bucket.try_stat(name.data());
  if (!stat || stat->inode == damage.seen_inode || !record.agrees_with(*stat) ||
      !store.is_own(*stat)) {
    return 0;
  }
  const os::UniqueFd fd = bucket.open_to_read(name.data());
  const bool same = os::hash_file(fd.get(), bucket.path_of(name.data())) == record.content;
  return same ? stat->inode : 0;
}

/// Puts a sound object into its place, or leaves none there. Returns its inode, or 0.
std::uint64_t replace_object(const Root& root, Store& store, const std::string& source,
                             const Damage& damage, const FileRecord& record) {
  const auto bucket = store.open_bucket(source::folder_of(damage.path));
  std::uint64_t inode = bucket ? standing_inode(store, *bucket, damage, record) : 0;
  if (inode == 0) {
    inode = remake(root, store, source, damage, record);
  }
  if (inode == 0 && bucket) {
    bucket->unlink_if_present(Store::name_of(damage.object).data());
  }
  return inode;
}

} // namespace

Store::Store(const Root& root, const std::string& source)
    : m_dir(ensure_ours(root.objects(), os::hash_of(source).hex().c_str())) {
  const auto stat = os::stat_of(m_dir.fd(), m_dir.path(), os::Freshness::cached);
  m_owner = stat.owner;
  m_group = stat.group;
  if (stat.permissions() != k_store_mode) {
    try {
      m_dir.set_permissions(k_store_mode);
    } catch (const os::Error&) { // the file system knows no modes: there a group is all files'
    }
  }
}

Store::~Store() {
  if (m_is_marked && !m_is_unfinished) {
    try {
      m_dir.unlink_if_present(k_mark);
    } catch (const std::exception&) { // the next writer looks for what is not there
    }
  }
}

std::string Store::path_of(std::string_view folder_path, const os::Hash& object) const {
  return m_dir.path_of(bucket_of(folder_path).data()) + "/" + object.hex();
}

bool Store::is_own(const os::Stat& stat) const noexcept {
  return stat.owner == m_owner && stat.group == m_group;
}

ObjectName Store::name_of(const os::Hash& object) noexcept {
  ObjectName out{};
  put_hex(out.data(), object);
  return out;
}

std::optional<os::Dir> Store::open_bucket(std::string_view folder_path) const {
  auto out = m_dir.try_begin_at(bucket_of(folder_path).data());
  const bool is_ours =
      out && os::stat_of(out->fd(), out->path(), os::Freshness::cached).owner == m_owner;
  return is_ours ? std::move(out) : std::nullopt;
}

os::Dir Store::make_bucket(std::string_view folder_path) {
  {
    // Not std::call_once: an exception cannot pass through it where libstdc++ is linked statically.
    const std::scoped_lock lock(m_mark_mutex);
    if (!m_is_marked) {
      m_dir.create_file(k_mark);
      m_is_marked = true;
    }
  }
  auto bucket = open_bucket(folder_path);
  return bucket ? std::move(*bucket) : ensure_ours(m_dir, bucket_of(folder_path).data());
}

InodeChanges Store::take_over(const os::Dir& other, const Base& base) {
  InodeChanges lost;
  std::mutex mutex;
  os::WorkQueue<const FolderRecord*> queue(os::k_adapt);
  for (const auto& folder : base.folders()) {
    if (folder.file_count != 0) {
      queue.add(&folder);
    }
  }
  queue.run([&](const FolderRecord* folder) {
    const char* path = base.text(folder->path);
    const auto from = other.try_begin_at(bucket_of(path).data());
    const os::Dir to = make_bucket(path);
    for (std::size_t i = 0; i < folder->file_count; ++i) {
      const std::size_t index = folder->first_file + i;
      const FileRecord& file = base.files()[index];
      const ObjectName name = name_of(file.object);
      const bool is_taken = file.is_symlink() ||
                            (from && file.inode != 0 &&
                             os::link_file(*from, name.data(), to, name.data(), file.inode) == 0);
      if (!is_taken) {
        const std::scoped_lock lock(mutex);
        lost.emplace_back(index, 0);
      }
    }
    return std::size_t{folder->file_count};
  });
  return lost;
}

os::Hash Store::object_of(std::string_view folder_path, std::string_view name,
                          const os::Hash& content, std::uint32_t permissions,
                          os::Time mtime) noexcept {
  os::Hasher hasher;
  hasher.add_number(folder_path.size());
  hasher.add(folder_path);
  hasher.add(name);
  hasher.add_number(content.high);
  hasher.add_number(content.low);
  hasher.add_number(permissions);
  hasher.add_number(static_cast<std::uint64_t>(mtime.seconds));
  hasher.add_number(mtime.nanoseconds);
  return hasher.finish();
}

Store::Incoming::Incoming(Store& store, const os::Dir& bucket, std::uint32_t permissions)
    : m_store(store), m_bucket(bucket) {
  static std::atomic<unsigned> number{0};
  m_name = os::format("{}{}.{}", k_incoming, os::this_process(), number.fetch_add(1));
  m_fd = bucket.create_file(m_name.c_str(), permissions);
}

Store::Incoming::~Incoming() {
  if (m_name.empty()) {
    return;
  }
  try {
    m_bucket.unlink_if_present(m_name.c_str());
  } catch (const std::exception&) { // whoever writes next takes it
    m_store.m_is_unfinished = true;
  }
}

std::string Store::Incoming::path() const {
  return m_bucket.path_of(m_name.c_str());
}

void Store::Incoming::seal(FileRecord& file) {
  os::set_times(m_fd.get(), file.mtime(), path());
  // What was set by this client it knows.
  auto stat = os::stat_of(m_fd.get(), path(), os::Freshness::cached);
  if (stat.permissions() != file.permissions()) {
    os::set_permissions(m_fd.get(), file.permissions(), path());
    stat = os::stat_of(m_fd.get(), path(), os::Freshness::cached);
  }
  file.mode = stat.mode;
  file.mtime_seconds = stat.mtime.seconds;
  file.mtime_nanoseconds = stat.mtime.nanoseconds;
  file.inode = stat.inode;
  m_sealed = stat;
}

std::uint64_t Store::Incoming::publish(const os::Hash& object, const FileRecord& file,
                                       bool replace) {
  const ObjectName name = name_of(object);
  if (!replace) {
    const auto standing = m_bucket.try_stat(name.data());
    if (standing && file.agrees_with(*standing) && standing->owner == m_sealed.owner &&
        standing->group == m_sealed.group) {
      return standing->inode;
    }
  }
  m_bucket.rename(m_name.c_str(), m_bucket, name.data());
  m_name.clear();
  return file.inode;
}

void Store::clear_incoming() const {
  if (!m_dir.try_stat(k_mark)) {
    return;
  }
  for (const auto& entry : m_dir.entries()) {
    const auto bucket = m_dir.try_open_child(entry.name.c_str());
    for (const auto& file : bucket ? bucket->entries() : std::vector<os::DirEntry>()) {
      if (file.name.starts_with(k_incoming)) {
        bucket->unlink_if_present(file.name.c_str());
      }
    }
  }
  m_dir.unlink_if_present(k_mark);
}

Healed heal(const Root& root, const std::string& source, const std::vector<Damage>& damages) {
  const auto lock = root.lock_store(os::LockMode::exclusive, "snapfix, healing the store");
  Store store(root, source);
  store.clear_incoming();
  std::vector<Base> bases;
  for (const auto& entry : root.bases().entries()) {
    const auto id = os::Hash::from_hex(entry.name);
    auto base = id ? Base::load(root.bases(), *id) : std::nullopt;
    if (base && base->meta().source == source) {
      bases.push_back(std::move(*base));
    }
  }
  Healed out;
  std::vector<InodeChanges> changes(bases.size());
  for (const auto& damage : damages) {
    std::optional<std::uint64_t> inode;
    for (std::size_t i = 0; i < bases.size(); ++i) {
      const auto index = bases[i].find(damage.path);
      if (!index || bases[i].files()[*index].object != damage.object) {
        continue;
      }
      const FileRecord& record = bases[i].files()[*index];
      if (!inode) {
        inode = replace_object(root, store, source, damage, record);
        ++(*inode == 0 ? out.dropped : out.replaced);
      }
      if (record.inode != *inode) {
        changes[i].emplace_back(*index, *inode);
      }
    }
  }
  for (std::size_t i = 0; i < bases.size(); ++i) {
    if (!changes[i].empty()) {
      rewrite_inodes(root.bases(), bases[i], changes[i]);
    }
  }
  return out;
}

} // namespace snapfix::snapshot
