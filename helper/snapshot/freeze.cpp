#include "snapshot/freeze.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/progress.hpp"
#include "os/time_text.hpp"
#include "snapshot/folder_reader.hpp"
#include "snapshot/git_prototypes.hpp"
#include "snapshot/look.hpp"
#include "snapshot/source_clock.hpp"
#include "snapshot/store.hpp"
#include "snapshot/take_over.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <utility>

namespace snapfix::snapshot {
namespace {

constexpr int k_looks = 3;

class Freezer {
public:
  Freezer(const Root& root, const source::Selection& selection, LinkFrom from)
      : m_root(root), m_selection(selection), m_from(from), m_key(freeze_key(selection, from)),
        m_git(root, selection),
        m_add_git([this](source::ListingBuilder& listing) { m_git.add_to(listing, &*m_clock); }),
        m_store(root, selection.source) {}

  Frozen run();

private:
  void attempt(Frozen& out);
  void load_last();
  /// Where the objects of a folder's files come from: what lies in a `.git` is no file of the
  /// source.
  LinkFrom from_of(std::string_view folder) const {
    return source::lies_in_git(folder) ? LinkFrom::store : m_from;
  }
  void wait_for_clock();
  void read_changed(Frozen& out);
  bool stands_still(bool unchanged) const;
  void check_second_look();
  void check_top() const;
  void publish(bool unchanged, Frozen& out);
  bool folder_times_stand() const;
  static void warn_of_symlinks(Frozen& out);
  BaseMeta meta() const;

  const Root& m_root;
  const source::Selection& m_selection;
  LinkFrom m_from;
  os::Hash m_key;
  source::SourceDirs m_dirs;
  GitPrototypes m_git;
  source::AddGit m_add_git;
  Store m_store;
  std::optional<Base> m_last;
  std::optional<FreezeRecord> m_last_record;
  Look m_look;                        ///< the present one
  std::optional<SourceClock> m_clock; ///< read before it began
  std::atomic<bool> m_can_reflink{true};
};

Frozen Freezer::run() {
  const auto begin = std::chrono::steady_clock::now();
  const auto lock = m_root.lock_source(os::hash_of(m_selection.source));
  m_store.clear_incoming();
  if (m_from == LinkFrom::store && !m_root.sources().try_stat(m_key.hex().c_str())) {
    try {
      take_over_freeze(m_root, m_selection.source, m_store, m_key);
    } catch (const os::Error&) { // what is not taken over is read and copied
    }
  }
  Frozen out;
  std::string changing;
  for (int i = 0; i < k_looks; ++i) {
    try {
      load_last();
      attempt(out);
      out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
      return out;
    } catch (const SourceChanged& change) {
      changing = change.path;
    }
  }
  throw os::Error(os::format("the source {} is changing: {} was not the same at a second look, {} "
                             "times",
                             os::quoted(m_selection.source), os::quoted(changing), k_looks),
                  "wait until whatever writes there is done, then try again");
}

void Freezer::load_last() {
  m_last.reset();
  m_last_record = FreezeRecord::load(m_root.sources(), m_key);
  if (m_last_record) {
    m_last = Base::load(m_root.bases(), m_last_record->base());
  }
  if (!m_last || m_last->files().size() != m_last_record->seen().size()) {
    m_last.reset();
    m_last_record.reset();
  }
}

void Freezer::attempt(Frozen& out) {
  m_dirs = {os::Dir::open(m_selection.source), m_git.open()};
  m_clock.emplace(m_root.trash(), m_dirs.top);
  Look last = std::exchange(m_look, {});
  m_look = Look(m_selection, m_dirs, m_add_git, m_last ? &*m_last : nullptr);
  out.left_out = m_look.scan.left_out;
  out.uncloned = m_look.listing.uncloned;
  out.notes = m_look.listing.notes;
  m_look.take_over(m_last ? &*m_last : nullptr, m_last_record ? &*m_last_record : nullptr);
  m_look.take_over(std::move(last));
  const bool unchanged = m_last && m_look.equals(*m_last);
  if (!unchanged) {
    wait_for_clock();
    read_changed(out);
  }
  if (!stands_still(unchanged)) {
    check_second_look();
  }
  check_top();
  publish(unchanged, out);
  warn_of_symlinks(out);
}

/// Once the tick of a file's ctime is over, any later change gives it another ctime. What lies in a
/// `.git` is ours: what changes there gets another inode.
void Freezer::wait_for_clock() {
  std::chrono::nanoseconds wait{0};
  std::size_t index = 0;
  for (const auto& folder : m_look.scan.folders) {
    for (const auto& file : folder.files) {
      const FileState* state = m_look.state_of(index++);
      if (state != nullptr && !state->is_read && !source::lies_in_git(folder.path)) {
        wait = std::max(wait, m_clock->tick_left(file.stat));
      }
    }
  }
  m_clock->wait(wait);
}

void Freezer::read_changed(Frozen& out) {
  const auto& folders = m_look.scan.folders;
  const auto unread = [this](std::size_t file) {
    const FileState* state = m_look.state_of(file);
    return state != nullptr && !state->is_read;
  };
  // Only folders that hold something to read, and those above them.
  std::vector<std::size_t> needed;
  std::uint64_t count = 0;
  for (std::size_t i = folders.size(); i-- > 0;) {
    const std::uint64_t before = count;
    for (std::size_t k = 0; k < folders[i].files.size(); ++k) {
      count += unread(m_look.first_files()[i] + k) ? 1 : 0;
    }
    const bool holds_needed =
        !needed.empty() && source::is_below(folders[needed.back()].path, folders[i].path);
    if (count != before || holds_needed) {
      needed.push_back(i);
    }
  }
  std::ranges::reverse(needed);
  std::vector<std::string_view> paths;
  paths.reserve(needed.size());
  for (const std::size_t i : needed) {
    paths.push_back(folders[i].path);
  }
  os::Progress progress(os::format("reading changed files of {}", os::quoted(m_selection.source)),
                        count);
  std::mutex mutex;
  source::visit_folders(m_dirs, paths, [&](std::size_t at, const os::Dir* dir) {
    const std::size_t i = needed[at];
    if (dir == nullptr) {
      throw SourceChanged(folders[i].path);
    }
    FolderReader reader(m_store, from_of(folders[i].path), m_can_reflink, folders[i], *dir);
    for (std::size_t k = 0; k < folders[i].files.size(); ++k) {
      const std::size_t file = m_look.first_files()[i] + k;
      if (unread(file)) {
        FileState& state = *m_look.state_of(file);
        reader.read(folders[i].files[k], state);
        state.is_read = true;
        progress.count();
      }
    }
    const std::scoped_lock lock(mutex);
    if (!source::lies_in_git(folders[i].path)) { // they count what the source cost
      out.counts += reader.counts();
    }
    return static_cast<std::size_t>(reader.counts().files_read);
  });
}

/// Whether what was seen existed when the clock was read, for certain. It did if it is older, and
/// if no folder's time has moved since, as a rename in it would move it: in any folder where a file
/// of the source may be. That git has listed it says nothing of that moment, but the same names
/// were listed by the last freeze, too.
bool Freezer::stands_still(bool unchanged) const {
  const bool knows_all_folders =
      m_selection.files != source::FileSet::untracked && m_selection.include.empty();
  if (!knows_all_folders || !m_last || !m_look.has_names_of(*m_last)) {
    return false;
  }
  // The files of an unchanged source are known to be old.
  const auto is_old = [&](const source::ScannedFolder& folder) {
    return unchanged ? m_clock->is_before(folder.stat) || m_clock->is_settled(folder.stat)
                     : m_clock->is_before(folder.stat) &&
                           std::ranges::all_of(folder.files, [&](const auto& file) {
                             return m_clock->is_before(file.stat);
                           });
  };
  std::vector<const source::ScannedFolder*> folders; // the source's own
  std::vector<std::string_view> paths;
  for (const auto& folder : m_look.scan.folders) {
    if (!source::lies_in_git(folder.path)) {
      folders.push_back(&folder);
      paths.push_back(folder.path);
    }
  }
  const auto& hollow = m_look.scan.hollow;
  if (!std::ranges::all_of(folders, [&](const auto* folder) { return is_old(*folder); }) ||
      !std::ranges::all_of(hollow, is_old) || !m_git.stood_at(*m_clock, unchanged)) {
    return false;
  }
  std::atomic<bool> same{true};
  source::visit_folders(m_dirs, paths, [&](std::size_t i, const os::Dir* dir) {
    if (dir == nullptr || !source::same_stat(dir->stat(), folders[i]->stat)) {
      same = false;
    }
    return std::size_t{1};
  });
  return same && std::ranges::all_of(hollow, [this](const source::ScannedFolder& folder) {
           const auto dir = source::open_below(m_dirs.top, folder.path);
           return dir && source::same_stat(dir->stat(), folder.stat);
         });
}

void Freezer::check_second_look() {
  const auto listing = source::list_source(m_selection, m_add_git);
  const auto second = source::scan(m_dirs, listing);
  if (const auto path = source::first_difference(m_look.scan, second)) {
    throw SourceChanged(*path);
  }
}

/// The source's folder itself may have been replaced: git goes by its path.
void Freezer::check_top() const {
  const auto now = os::Dir::open(m_selection.source).stat();
  const auto then = m_dirs.top.stat();
  if (now.inode != then.inode || now.device != then.device) {
    throw SourceChanged(m_selection.source);
  }
}

BaseMeta Freezer::meta() const {
  return {m_selection.source,        m_selection.files, m_selection.include.patterns(), m_from,
          os::to_iso8601(os::now()), m_selection.git};
}

/// Whether the folders' times are those of the last base as well.
bool Freezer::folder_times_stand() const {
  return std::ranges::equal(
      m_look.scan.folders, m_last->folders(), {},
      [](const source::ScannedFolder& folder) { return folder.stat.mtime; }, &FolderRecord::mtime);
}

void Freezer::publish(bool unchanged, Frozen& out) {
  if (unchanged && folder_times_stand()) {
    out.base = std::move(*m_last);
    return;
  }
  BaseWriter writer(m_look.file_count());
  std::vector<SeenFile> seen;
  seen.reserve(m_look.file_count());
  std::size_t index = 0;
  for (const auto& folder : m_look.scan.folders) {
    writer.add_folder(folder.path, folder.stat.permissions(), folder.stat.mtime);
    for (const auto& file : folder.files) {
      if (const FileState* state = m_look.state_of(index)) {
        writer.add_file(file.name, state->record, state->target);
      } else {
        const FileRecord& record = m_last->files()[m_look.place_in_last(index)];
        writer.add_file(file.name, record, record.is_symlink() ? m_last->text(record.target) : "");
      }
      seen.push_back(
          {file.stat.inode, file.stat.size, file.stat.ctime.seconds, file.stat.mtime.seconds,
           file.stat.ctime.nanoseconds, file.stat.mtime.nanoseconds, file.stat.mode,
           m_clock->is_settled(file.stat) || source::lies_in_git(folder.path) ? 1U : 0U});
      ++index;
    }
  }
  const os::Hash id = unchanged ? m_last->id() : writer.id(m_key.hex());
  const bool is_last = m_last && m_last->id() == id;
  out.made = !is_last && !Base::load(m_root.bases(), id);
  m_look = {}; // what follows wants as much memory again
  writer.write(m_root.bases(), id, meta());
  if (!unchanged) {
    FreezeRecord::write(m_root.sources(), m_key, id, seen);
  }
  auto base = Base::load(m_root.bases(), id);
  if (!base) {
    throw os::Error(os::format("the base {} cannot be read back", id.hex()),
                    "is the root's file system full or failing?");
  }
  out.base = std::move(*base);
}

void Freezer::warn_of_symlinks(Frozen& out) {
  std::uint64_t into_git = 0;
  for (const auto& folder : out.base.folders()) {
    for (const auto& file : out.base.files_of(folder)) {
      if (!file.is_symlink()) {
        continue;
      }
      const char* target = out.base.text(file.target);
      if (source::lies_in_git(target)) {
        ++into_git;
      } else if (source::leaves_tree(out.base.text(folder.path), target)) {
        out.warnings.push_back(
            os::format("the symlink {} -> {} leaves the tree: what it points to is "
                       "not isolated",
                       os::quoted(out.base.path_of(folder, file)), os::quoted(target)));
      }
    }
  }
  if (into_git != 0) { // as git-annex and DataLad make for each file
    out.warnings.push_back(
        os::format("{} symlinks lead into a .git: what lies there is in no snapshot (git annex "
                   "unlock makes files of them)",
                   into_git));
  }
}

} // namespace

os::Hash freeze_key(const source::Selection& selection, LinkFrom from) {
  os::Hasher hasher;
  hasher.add(selection.source);
  hasher.add_zeros(1);
  hasher.add(std::string_view(os::word_of(selection.files)));
  hasher.add_zeros(1);
  auto patterns = selection.include.patterns();
  std::ranges::sort(patterns);
  for (const auto& pattern : patterns) {
    hasher.add(pattern);
    hasher.add_zeros(1);
  }
  hasher.add(std::string_view(os::word_of(from)));
  if (selection.git == source::Git::on) {
    hasher.add(std::string_view(".git"));
  }
  return hasher.finish();
}

ReadCounts& ReadCounts::operator+=(const ReadCounts& other) noexcept {
  files_read += other.files_read;
  bytes_read += other.bytes_read;
  files_copied += other.files_copied;
  bytes_copied += other.bytes_copied;
  return *this;
}

Frozen freeze(const Root& root, const source::Selection& selection, LinkFrom from) {
  return Freezer(root, selection, from).run();
}

} // namespace snapfix::snapshot
