#include "snapshot/create.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/remove_tree.hpp"
#include "os/time_text.hpp"
#include "snapshot/collect.hpp"
#include "snapshot/find.hpp"
#include "snapshot/frozen.hpp"
#include "snapshot/name.hpp"
#include "snapshot/publication.hpp"
#include "snapshot/run_record.hpp"
#include "snapshot/source_clock.hpp"
#include "snapshot/spares.hpp"
#include "snapshot/store.hpp"

#include <chrono>

namespace snapfix::snapshot {
namespace {

constexpr int k_attempts = 3;
constexpr std::size_t k_short_id = 12;
constexpr std::uint32_t k_owner_all = 0700;

RecordedOptions options_of(const TreeOptions& tree) {
  return {tree.exclude.patterns(), tree.copy.patterns(), to_text(tree.link_from),
          to_text(tree.link_mode), tree.uv_locked};
}

/// Those folders whose next change will give them another ctime for certain.
std::vector<FolderState> settled(const Root& root, std::vector<FolderState> folders) {
  if (folders.empty()) {
    return folders;
  }
  const SourceClock clock(root.trash(), root.top());
  os::Stat stat;
  stat.device = root.top().stat().device;
  for (auto& folder : folders) {
    stat.ctime = folder.ctime();
    if (!clock.is_before(stat) && !clock.is_settled(stat)) {
      folder = FolderState();
    }
  }
  return folders;
}

MadeTree as_it_stands(const SnapshotManifest& spare) {
  return {spare.made, spare.inodes, spare.folders, spare.meta.ledger};
}

class Creator {
public:
  Creator(const Root& root, const CreateOptions& options)
      : m_root(root), m_options(options), m_folder(folder_of_name(options.name)) {
    m_out.path = m_root.path() + "/" + m_folder;
  }

  Created run();
  std::optional<Created> reuse();
  bool is_pristine();

private:
  bool settle_existing();
  bool settle(const SnapshotManifest& standing);
  void use_as_it_stands(const SnapshotManifest& standing);
  void choose_base();
  void check_base_fits() const;
  void make_of_sound_objects();
  void make();
  void update();
  SnapshotManifest manifest_of(MadeTree made) const;
  void publish(Publication& publication, const os::Dir& tree, MadeTree made);
  bool may_refresh_in_place() const;
  MadeTree refresh_or_make(Publication& publication, os::Dir& tree);
  void heal_damage(const DamagedObjects& damage);
  std::string remedies() const;
  void check_same_options(const SnapshotManifest& standing);
  [[noreturn]] void throw_other_state(const SnapshotManifest& standing) const;

  const Root& m_root;
  const CreateOptions& m_options;
  std::string m_folder;
  std::optional<os::Lock> m_store_lock;
  std::optional<Base> m_base;
  bool m_existed = false;
  bool m_holds_name = true; ///< the caller has the name's lock
  bool m_has_lost_old = false;
  std::chrono::steady_clock::time_point m_began;
  Created m_out;
};

std::optional<Created> Creator::reuse() {
  m_holds_name = false;
  const auto standing = find_snapshot(m_root, m_folder);
  if (!standing) {
    return std::nullopt;
  }
  if (m_options.existing == Existing::reuse_any) { // what the source is now does not matter
    use_as_it_stands(*standing);
    return std::move(m_out);
  }
  m_store_lock = m_root.lock_store(os::LockMode::shared, "snapfix create");
  choose_base();
  m_out.base = m_base->id();
  return settle_existing() ? std::optional(std::move(m_out)) : std::nullopt;
}

bool Creator::is_pristine() {
  const auto standing = find_snapshot(m_root, m_folder);
  if (!standing || load_run(m_root, m_folder)) {
    return false;
  }
  m_store_lock = m_root.lock_store(os::LockMode::shared, "snapfix run");
  choose_base();
  return standing->meta.update == Update::none && standing->base == m_base->id() &&
         has_same_options(*standing, m_options.tree);
}

Created Creator::run() {
  try {
    make_of_sound_objects();
  } catch (...) {
    if (m_has_lost_old) { // whoever sees us fail may think that it stands
      os::note(os::format("the old snapshot {} is gone", os::quoted(m_options.name)));
    }
    m_root.clear_debris(); // ours, or what has left no room for us: the next one finds some
    throw;
  }
  m_store_lock.reset();
  if (m_out.frozen && m_out.frozen->made) {
    try {
      collect_unused_bases(m_root);
    } catch (const os::Error& error) { // the snapshot stands; the next one collects them
      m_out.notes.push_back(os::format("bases that nothing uses stay: {}", error.what()));
    }
  }
  return std::move(m_out);
}

void Creator::make_of_sound_objects() {
  for (int i = 0;; ++i) {
    m_store_lock = m_root.lock_store(os::LockMode::shared, "snapfix create");
    choose_base();
    m_out.base = m_base->id();
    if (settle_existing()) {
      return;
    }
    if (m_options.is_checked && !m_options.is_checked(*m_base)) {
      throw Unchecked(m_base->id());
    }
    try {
      make();
      return;
    } catch (const DamagedObjects& damage) {
      if (i + 1 == k_attempts) {
        throw os::Error(os::format("objects of the base {} are damaged, and cannot be made anew",
                                   m_base->id().hex().substr(0, k_short_id)),
                        "the source has changed since it was frozen: freeze it again");
      }
      heal_damage(damage);
    }
  }
}

void Creator::choose_base() {
  if (!m_options.base.id.empty()) {
    m_base = base_with(m_root, m_options.base.id);
    check_base_fits();
    return;
  }
  if (m_options.base.frozen) {
    const auto id = find_frozen(m_root, freeze_key(m_options.selection, m_options.tree.link_from));
    m_base = id ? Base::load(m_root.bases(), *id) : std::nullopt;
    if (m_base) {
      return;
    }
  }
  m_out.frozen = freeze(m_root, m_options.selection, m_options.tree.link_from);
  m_base = m_out.frozen->base;
}

void Creator::check_base_fits() const {
  const std::string& source = m_base->meta().source;
  const std::string& from = m_base->meta().link_from;
  if (source != m_options.selection.source) {
    throw os::Error(os::format("the base {} is one of another source, {}",
                               m_base->id().hex().substr(0, k_short_id), os::quoted(source)),
                    "name that one with --source");
  }
  if (from != to_text(m_options.tree.link_from)) {
    throw os::Error(os::format("the base {} was frozen with --link-from {}",
                               m_base->id().hex().substr(0, k_short_id), from),
                    "give the same --link-from");
  }
}

/// True if the snapshot stands as it should: nothing is left to do.
bool Creator::settle_existing() {
  if (!m_root.stat_of_tree(m_folder)) {
    return false;
  }
  m_existed = true;
  auto standing = find_snapshot(m_root, m_folder);
  if (!standing && !m_holds_name) {
    return false; // it may just be removed: look again with the lock
  }
  if (!standing && !has_record(m_root, m_folder)) {
    throw os::Error(os::format("{} exists, and is no snapshot", os::quoted(m_out.path)),
                    "choose another name, or move it out of the root");
  }
  if (m_options.existing == Existing::refresh) { // also one that is damaged
    return false;
  }
  if (!standing) {
    standing = require_snapshot(m_root, m_options.name);
  }
  return settle(*standing);
}

bool Creator::settle(const SnapshotManifest& standing) {
  switch (m_options.existing) {
  case Existing::update:
  case Existing::refresh:
    return false;
  case Existing::reuse_any:
    use_as_it_stands(standing);
    return true;
  case Existing::reuse:
    break;
  }
  require_whole(standing);
  if (standing.base != m_base->id()) {
    throw_other_state(standing);
  }
  check_same_options(standing);
  m_out.ledger = standing.meta.ledger;
  m_out.ledger.seconds = 0;
  return true;
}

void Creator::use_as_it_stands(const SnapshotManifest& standing) {
  require_whole(standing);
  m_out.base = standing.base;
  m_out.ledger = standing.meta.ledger;
  m_out.ledger.seconds = 0;
  m_out.notes.push_back(os::format(
      "the snapshot {} stands and is used as it is: made of {} at {}", os::quoted(m_options.name),
      standing.base.hex().substr(0, k_short_id), standing.meta.created));
  if (standing.meta.source != m_options.selection.source) {
    m_out.notes.push_back(
        os::format("it is one of another source, {}", os::quoted(standing.meta.source)));
  }
  if (!has_same_options(standing, m_options.tree)) {
    m_out.notes.push_back(
        os::format("it was made with other options: {}", to_text(standing.meta.options)));
  }
}

/// Who names no options takes the snapshot as it is.
void Creator::check_same_options(const SnapshotManifest& standing) {
  const auto& had = standing.meta.options;
  const auto wanted = options_of(m_options.tree);
  if (had == wanted) {
    return;
  }
  if (wanted != options_of(TreeOptions())) {
    throw os::Error(os::format("the snapshot {} was made with other options: {}, and now they "
                               "are {}",
                               os::quoted(m_options.name), to_text(had), to_text(wanted)),
                    remedies());
  }
  m_out.notes.push_back(os::format("the snapshot was made with options: {}", to_text(had)));
}

std::string Creator::remedies() const {
  return os::format("use it as it stands: add --reuse\n"
                    "bring the source's files in it to the present state, and keep what jobs have "
                    "made: add --update\n"
                    "make it pristine, of the present state: add --fresh\n"
                    "keep it and make another: choose another name\n"
                    "drop it: snapfix remove {}",
                    m_options.name);
}

void Creator::throw_other_state(const SnapshotManifest& standing) const {
  const auto shorten = [](const os::Hash& id) { return id.hex().substr(0, k_short_id); };
  throw os::Error(
      os::format("the snapshot {} was made of another state of the source: {} of {}, and now it "
                 "is {}",
                 os::quoted(m_options.name), shorten(standing.base), standing.meta.created,
                 shorten(m_base->id())),
      remedies());
}

/// Whether the standing tree may be worked on in place: nothing runs in it, and no run of it
/// ended without our seeing the end (its processes may live, on whatever host).
bool Creator::may_refresh_in_place() const {
  const auto record = load_run(m_root, m_folder);
  if (record && !record->ended_cleanly()) {
    return false;
  }
  return os::processes_in(m_out.path).empty();
}

MadeTree Creator::refresh_or_make(Publication& publication, os::Dir& tree) {
  if (publication.has_old_tree() && may_refresh_in_place()) {
    tree = publication.take_old_tree();
    try {
      require_ours(tree); // its job may have given it away
      return refresh_tree(m_root, *m_base, m_options.tree, tree);
    } catch (const os::Error&) {
      // Something in it is not ours to change: the old tree goes, a new one comes.
      tree = os::Dir();
    }
  }
  if (const auto spare = take_spare(m_root, m_folder, *m_base, m_options.tree)) {
    tree = m_root.work().open_child(m_folder.c_str());
    try {
      require_ours(tree);
      return is_of(*spare, *m_base) ? as_it_stands(*spare)
                                    : refresh_tree(m_root, *m_base, m_options.tree, tree);
    } catch (const os::Error&) {
      tree = os::Dir();
    }
  }
  tree = publication.make_empty_tree();
  return make_tree(m_root, *m_base, m_options.tree, tree);
}

/// In place: a tree that is taken out of the root, or made anew beside it, would leave a moment in
/// which a kill costs what jobs have made.
void Creator::update() {
  const SnapshotManifest old = require_snapshot(m_root, m_options.name);
  const auto old_base = find_base_of(m_root, old);
  if (!old_base) {
    throw os::Error(os::format("the base {} of the snapshot {} is lost or damaged: nobody can tell "
                               "what its jobs have made",
                               old.base.hex(), os::quoted(m_options.name)),
                    "copy what is to be kept, then make it pristine: --fresh");
  }
  auto marked = old;
  marked.meta.update = Update::unfinished;
  marked.prepare(m_root.snapshots(), m_folder).commit();
  const auto top = m_root.stat_of_tree(m_folder);
  if (top && (top->permissions() & k_owner_all) != k_owner_all) {
    os::open_up(m_root.top(), m_folder.c_str());
  }
  const os::Dir tree = m_root.top().open_child(m_folder.c_str());
  require_ours(tree);
  auto manifest =
      manifest_of(update_tree(m_root, *m_base, m_options.tree, tree, OldTree(*old_base, old)));
  manifest.meta.update = Update::done;
  manifest.prepare(m_root.snapshots(), m_folder).commit();
  set_top_mode(*m_base, tree);
  m_out.ledger = manifest.meta.ledger;
  m_out.refreshed = true;
}

void Creator::make() {
  m_began = std::chrono::steady_clock::now();
  if (m_existed && m_options.existing == Existing::update) {
    update();
    return;
  }
  Publication publication(m_root, m_folder);
  os::Dir tree;
  try {
    MadeTree made = refresh_or_make(publication, tree);
    publish(publication, tree, std::move(made));
  } catch (...) {
    tree = os::Dir();
    m_has_lost_old = publication.give_up() || m_has_lost_old;
    throw;
  }
}

SnapshotManifest Creator::manifest_of(MadeTree made) const {
  made.ledger.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - m_began).count();
  SnapshotManifest out;
  out.base = m_base->id();
  out.made = std::move(made.made);
  out.inodes = std::move(made.inodes);
  out.folders = settled(m_root, std::move(made.folders));
  out.meta = {m_options.name,         os::to_iso8601(os::now()),
              m_base->meta().source,  options_of(m_options.tree),
              std::move(made.ledger), Update::none};
  return out;
}

void Creator::publish(Publication& publication, const os::Dir& tree, MadeTree made) {
  const auto manifest = manifest_of(std::move(made));
  publication.publish(manifest, [&] { set_top_mode(*m_base, tree); });
  m_out.ledger = manifest.meta.ledger;
  m_out.made = !m_existed;
  m_out.refreshed = m_existed;
}

void Creator::heal_damage(const DamagedObjects& damage) {
  std::vector<Damage> damages;
  for (const std::size_t index : damage.files) {
    const FileRecord& file = m_base->files()[index];
    damages.push_back({m_base->path_of(m_base->folder_of(index), file), file.object, file.inode});
  }
  const std::string source = m_base->meta().source;
  m_base.reset();
  m_store_lock.reset();
  const Healed healed = heal(m_root, source, damages);
  m_out.notes.push_back(os::format("{} objects were damaged: {} made anew from the source, {} "
                                   "dropped",
                                   damages.size(), healed.replaced, healed.dropped));
}

} // namespace

std::optional<Created> reuse(const Root& root, const CreateOptions& options) {
  return Creator(root, options).reuse();
}

bool is_pristine(const Root& root, const CreateOptions& options) {
  return Creator(root, options).is_pristine();
}

bool has_same_options(const SnapshotManifest& manifest, const TreeOptions& options) {
  return manifest.meta.options == options_of(options);
}

void keep_options(const SnapshotManifest& manifest, TreeOptions& options) {
  const RecordedOptions& had = manifest.meta.options;
  const std::string& source = manifest.meta.source;
  options.exclude = source::GlobSet(had.exclude, source);
  options.copy = source::GlobSet(had.copy, source);
  for (const auto mode : {LinkMode::hardlink, LinkMode::reflink, LinkMode::copy}) {
    if (had.link_mode == to_text(mode)) {
      options.link_mode = mode;
    }
  }
  for (const auto from : {LinkFrom::store, LinkFrom::source}) {
    if (had.link_from == to_text(from)) {
      options.link_from = from;
    }
  }
  options.uv_locked = had.uv_locked;
}

Created create(const Root& root, const CreateOptions& options) {
  return Creator(root, options).run();
}

} // namespace snapfix::snapshot
