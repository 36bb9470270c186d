#include "snapshot/store.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
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
constexpr std::string_view k_digits = "0123456789abcdef";
constexpr int k_bucket_digits = 2;

char* put_hex(char* out, std::uint64_t number, int digits) {
  for (int shift = (digits - 1) * 4; shift >= 0; shift -= 4) {
    *out++ = k_digits[(number >> static_cast<unsigned>(shift)) & 0xFU];
  }
  return out;
}

void put_hex(char* out, const os::Hash& hash) {
  put_hex(put_hex(out, hash.high, 16), hash.low, 16);
}

/// The name of the folder that holds the objects of a source folder.
char* put_bucket(char* out, std::string_view folder_path) {
  return put_hex(out, os::hash_of(folder_path).low & 0xFFU, k_bucket_digits);
}

/// A file of the source, opened component by component; nothing if it is not there as a file.
os::UniqueFd open_in_source(const std::string& source, const std::string& path) {
  try {
    const auto folder = source::open_below(os::Dir::open(source), source::folder_of(path));
    auto fd =
        folder ? folder->open_to_read(std::string(source::name_of(path)).c_str()) : os::UniqueFd();
    return fd && os::stat_of(fd.get(), path).is_file() ? std::move(fd) : os::UniqueFd();
  } catch (const os::Error&) {
    return {}; // unreadable or gone: the object cannot come from there
  }
}

/// Makes the object anew from the source; the new inode, or 0 where the source holds other content.
std::uint64_t remake(Store& store, const std::string& source, const Damage& damage,
                     const FileRecord& record) {
  const os::UniqueFd from = open_in_source(source, damage.path);
  if (!from) {
    return 0;
  }
  const std::string from_path = source + "/" + damage.path;
  const os::Dir bucket = store.make_bucket(source::folder_of(damage.path));
  Store::Incoming incoming(bucket, record.permissions());
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
std::uint64_t standing_inode(const Store& store, const ObjectPath& name, const Damage& damage,
                             const FileRecord& record) {
  const auto stat = store.dir().try_stat(name.data());
  if (!stat || stat->inode == damage.seen_inode || !record.agrees_with(*stat)) {
    return 0;
  }
  const os::UniqueFd fd = store.dir().open_to_read(name.data());
  const bool same = os::hash_file(fd.get(), store.dir().path_of(name.data())) == record.content;
  return same ? stat->inode : 0;
}

} // namespace

Store::Store(const Root& root, const std::string& source)
    : m_dir(root.objects().ensure_child(os::hash_of(source).hex().c_str())) {}

Store::~Store() {
  if (m_is_marked) {
    try {
      m_dir.unlink_if_present(k_mark);
    } catch (const os::Error&) { // the next writer looks for what is not there
    }
  }
}

ObjectPath Store::path_of(std::string_view folder_path, const os::Hash& object) noexcept {
  ObjectPath out{};
  char* end = put_bucket(out.data(), folder_path);
  *end++ = '/';
  put_hex(end, object);
  return out;
}

ObjectName Store::name_of(const os::Hash& object) noexcept {
  ObjectName out{};
  put_hex(out.data(), object);
  return out;
}

std::optional<os::Dir> Store::open_bucket(std::string_view folder_path) const {
  std::array<char, k_bucket_digits + 1> name{};
  put_bucket(name.data(), folder_path);
  return m_dir.try_begin_at(name.data());
}

os::Dir Store::make_bucket(std::string_view folder_path) {
  std::call_once(m_mark_once, [this] {
    m_dir.create_file(k_mark);
    m_is_marked = true;
  });
  std::array<char, k_bucket_digits + 1> name{};
  put_bucket(name.data(), folder_path);
  auto bucket = m_dir.try_begin_at(name.data());
  return bucket ? std::move(*bucket) : m_dir.ensure_child(name.data());
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

bool Store::is_sound(const os::Dir& dir, const char* name, const FileRecord& file) {
  const auto stat = dir.try_stat(name);
  return stat && stat->inode == file.inode && file.agrees_with(*stat);
}

Store::Incoming::Incoming(const os::Dir& bucket, std::uint32_t permissions) : m_bucket(bucket) {
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
  } catch (const os::Error&) { // prune takes it
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
}

std::uint64_t Store::Incoming::publish(const os::Hash& object, const FileRecord& file,
                                       bool replace) {
  const ObjectName name = name_of(object);
  if (!replace) {
    const auto standing = m_bucket.try_stat(name.data());
    if (standing && file.agrees_with(*standing)) {
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
  std::vector<std::vector<std::pair<std::size_t, std::uint64_t>>> changes(bases.size());
  for (const auto& damage : damages) {
    std::optional<std::uint64_t> inode;
    for (std::size_t i = 0; i < bases.size(); ++i) {
      const auto index = bases[i].find(damage.path);
      if (!index || bases[i].files()[*index].object != damage.object) {
        continue;
      }
      const FileRecord& record = bases[i].files()[*index];
      if (!inode) {
        const ObjectPath name = Store::path_of(source::folder_of(damage.path), damage.object);
        inode = standing_inode(store, name, damage, record);
        if (*inode == 0) {
          inode = remake(store, source, damage, record);
        }
        if (*inode == 0) {
          store.dir().unlink_if_present(name.data());
        }
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
