#include "snapshot/placer.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "source/listing.hpp"
#include "source/scan.hpp"

#include <cerrno>
#include <utility>

namespace snapfix::snapshot {
namespace {

constexpr const char* k_strict_hint = "without --strict it becomes a copy";

std::optional<Made> copy_for_refused_link(int error_number) {
  switch (error_number) {
  case EXDEV:
    return Made::copied_exdev;
  case EMLINK:
    return Made::copied_emlink;
  case EPERM:
    return Made::copied_eperm;
  case EOPNOTSUPP:
  case ENOSYS:
    return Made::copied_unsupported;
  default:
    return std::nullopt;
  }
}

/// Links between these two file systems are refused whatever the file: asking again is no use.
bool holds_for_all_files(Made made) {
  return made == Made::copied_exdev || made == Made::copied_unsupported;
}

} // namespace

Placer::Placer(const Root& root, const Base& base, const TreeOptions& options)
    : m_base(base), m_options(options), m_source_path(base.meta().source),
      m_store(root, m_source_path) {}

Placer::Origin Placer::origin_of(const FolderRecord& folder, const Origin* above) const {
  if (m_options.link_from == LinkFrom::store ||
      source::lies_in_git(m_base.text(folder.path))) { // which is no file of the source
    return {};
  }
  if (above == nullptr) {
    return {os::Dir::open(m_source_path), true};
  }
  return {above->dir ? above->dir->try_begin_at(m_base.text(folder.name)) : std::nullopt, true};
}

Made Placer::wanted_for(const std::string& folder_path, const FileRecord& file) const {
  std::string path;
  if (!m_options.exclude.empty() || !m_options.copy.empty()) {
    const char* name = m_base.text(file.name);
    path = folder_path.empty() ? name : folder_path + "/" + name;
  }
  if (m_options.exclude.matches(path) && !source::lies_in_git(path)) {
    return Made::excluded;
  }
  if (file.is_symlink()) {
    return Made::symlink;
  }
  if (m_options.copy.matches(path)) {
    return Made::copied_requested;
  }
  switch (m_options.link_mode) {
  case LinkMode::copy:
    return Made::copied_link_mode;
  case LinkMode::reflink:
    return Made::reflinked;
  case LinkMode::hardlink:
    break;
  }
  return Made::linked;
}

bool Placer::is_sound(const FileRecord& file, const os::Stat& stat) const noexcept {
  return stat.inode == file.inode && file.agrees_with(stat) &&
         (file.is_from_source() || m_store.is_own(stat));
}

void Placer::remember_damage(std::size_t index) {
  if (m_base.files()[index].is_from_source()) {
    throw os::Error(
        os::format("{} has changed in the source since it was frozen",
                   os::quoted(m_base.path_of(m_base.folder_of(index), m_base.files()[index]))),
        "with --link-from source the source must not change meanwhile: run it again");
  }
  const std::scoped_lock lock(m_mutex);
  m_damaged.push_back(index);
}

std::vector<std::size_t> Placer::take_damaged() {
  return std::exchange(m_damaged, {});
}

Placer::Placed Placer::place(const os::Dir& dir, Origin& origin, std::size_t index,
                             const std::string& folder_path) {
  const FileRecord& file = m_base.files()[index];
  const char* name = m_base.text(file.name);
  const Made wanted = wanted_for(folder_path, file);
  if (wanted == Made::symlink) {
    dir.make_symlink(name, m_base.text(file.target));
    dir.set_times(name, file.mtime());
    return {wanted, 0};
  }
  if (wanted == Made::excluded) {
    return {wanted, 0};
  }
  if (!origin.is_open) {
    origin = {m_store.open_bucket(folder_path), true};
  }
  const ObjectName object = Store::name_of(file.object);
  const char* from_name = file.is_from_source() ? name : object.data();
  // Looked at before it is linked: Lustre's clients forget what they know of a file with each link.
  const auto stat = origin.dir ? origin.dir->try_stat(from_name) : std::nullopt;
  if (!stat || !is_sound(file, *stat)) {
    remember_damage(index);
    return {Made::excluded, 0};
  }
  const Placing placing{file, *origin.dir, from_name, dir, name};
  return wanted == Made::linked ? link_or_copy(placing) : copy(placing, wanted);
}

Placer::Placed Placer::link_or_copy(const Placing& placing) {
  const auto& [file, from, from_name, to, to_name] = placing;
  Made reason = m_no_links.load(std::memory_order_relaxed);
  if (reason == Made::linked) {
    const int failed = os::link_file(from, from_name, to, to_name, file.inode);
    if (failed == 0) {
      return {Made::linked, file.inode};
    }
    const auto copied = copy_for_refused_link(failed);
    if (!copied || m_options.strict) {
      throw os::Error("link", {from.path_of(from_name), to.path_of(to_name)}, failed,
                      copied ? k_strict_hint : "");
    }
    reason = *copied;
    if (holds_for_all_files(reason)) {
      m_no_links.store(reason, std::memory_order_relaxed);
    }
  }
  return copy(placing, reason);
}

/// Made::reflinked if the empty file now shares the data; else what it is to be instead.
Made Placer::try_reflink(int from, int to, Made reason, const std::string& from_path,
                         const std::string& to_path) {
  const bool wanted = reason == Made::reflinked;
  const Made otherwise = wanted ? Made::copied_unsupported : reason;
  if (m_options.link_mode == LinkMode::copy || !m_can_reflink.load(std::memory_order_relaxed)) {
    return otherwise;
  }
  const int failed = os::try_reflink(from, to);
  if (failed == 0) {
    return Made::reflinked;
  }
  if (!os::means_no_reflink(failed) || (wanted && m_options.strict)) {
    throw os::Error("reflink", {from_path, to_path}, failed, wanted ? k_strict_hint : "");
  }
  m_can_reflink.store(false, std::memory_order_relaxed);
  return otherwise;
}

/// Makes a private file; where it shares its blocks it counts as reflinked. `reason` is why it is
/// not linked, or Made::reflinked where a reflink was asked for.
Placer::Placed Placer::copy(const Placing& placing, Made reason) {
  const FileRecord& file = placing.file;
  const std::string from_path = placing.from.path_of(placing.from_name);
  const std::string to_path = placing.to.path_of(placing.to_name);
  const os::UniqueFd from = placing.from.open_to_read(placing.from_name);
  const os::UniqueFd to = placing.to.create_file(placing.to_name);
  const auto before = os::stat_of(from.get(), from_path);
  const Made made = try_reflink(from.get(), to.get(), reason, from_path, to_path);
  if (made != Made::reflinked) {
    const auto size = os::copy_data(from.get(), from_path, to.get(), to_path, file.size, nullptr);
    if (size != file.size) {
      throw os::Error(os::quoted(from_path) + " became shorter while it was read");
    }
  }
  if (file.is_from_source() && !source::same_stat(before, os::stat_of(from.get(), from_path))) {
    throw os::Error(os::quoted(from_path) + " changed while it was copied",
                    "with --link-from source the source must not change meanwhile: run it again");
  }
  os::set_permissions(to.get(), file.permissions(), to_path);
  os::set_times(to.get(), file.mtime(), to_path);
  return {made, os::stat_of(to.get(), to_path).inode};
}

} // namespace snapfix::snapshot
