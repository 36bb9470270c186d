#include "snapshot/create.hpp"

#include "os/dir.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/remove_tree.hpp"
#include "os/time_text.hpp"
#include "os/units.hpp"
#include "snapshot/collect.hpp"
#include "snapshot/hold.hpp"
#include "snapshot/name.hpp"
#include "snapshot/own_folder.hpp"
#include "snapshot/publication.hpp"
#include "snapshot/reuse.hpp"
#include "snapshot/source_clock.hpp"
#include "snapshot/spares.hpp"
#include "snapshot/store.hpp"
#include "snapshot/tree.hpp"

#include <chrono>
#include <utility>

namespace snapfix::snapshot {
namespace {

constexpr int k_attempts = 3;

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
  Creator(Held& held, const CreateOptions& options, ChosenBase chosen)
      : m_held(held), m_root(held.root()), m_folder(held.folder()), m_options(options),
        m_chosen(std::move(chosen)) {
    m_out.path = held.path();
    m_out.base = base().id();
    m_existed = m_root.stat_of_tree(m_folder).has_value();
  }

  std::optional<Created> run();

private:
  const Base& base() const { return m_chosen->base; }
  std::optional<Created> reuse() const;
  bool make_of_sound_objects();
  void make();
  void update();
  SnapshotManifest manifest_of(MadeTree made) const;
  void publish(Publication& publication, const os::Dir& tree, MadeTree made);
  bool may_refresh_in_place() const;
  MadeTree refresh_or_make(Publication& publication, os::Dir& tree);
  void heal_damage(const DamagedObjects& damage);
  void settle(SnapshotManifest manifest);

  Held& m_held;
  const Root& m_root;
  const std::string& m_folder;
  const CreateOptions& m_options;
  std::optional<ChosenBase> m_chosen;
  bool m_existed = false;
  bool m_has_lost_old = false;
  bool m_handed_on = false; ///< no tree was made
  std::chrono::steady_clock::time_point m_began;
  Created m_out;
};

std::optional<Created> Creator::run() {
  if (auto standing = reuse()) {
    standing->frozen = std::move(m_chosen->frozen);
    return standing;
  }
  if (m_existed) {
    require_not_held(m_held);
  }
  try {
    if (!make_of_sound_objects()) {
      return std::nullopt;
    }
  } catch (...) {
    if (m_has_lost_old) { // whoever sees us fail may think that it stands
      os::note(os::format("the old snapshot {} is gone", os::quoted(m_held.name())));
    }
    m_root.clear_debris(); // ours, or what has left no room for us: the next one finds some
    throw;
  }
  m_out.frozen = std::move(m_chosen->frozen);
  m_chosen.reset();
  if (m_out.frozen && m_out.frozen->made) {
    try {
      collect_unused_bases(m_root);
    } catch (const os::Error& error) { // the snapshot stands; the next one collects them
      m_out.notes.push_back(os::format("bases that nothing uses stay: {}", error.what()));
    }
  }
  return std::move(m_out);
}

/// The snapshot that stands as it should: nothing is left to do.
std::optional<Created> Creator::reuse() const {
  if (!m_existed) {
    return std::nullopt;
  }
  if (m_held.snapshot() == nullptr && !has_record(m_root, m_folder)) {
    throw os::Error(os::format("{} exists, and is no snapshot", os::quoted(m_out.path)),
                    "choose another name, or move it out of the root");
  }
  switch (m_options.existing) {
  case Existing::refresh: // also one that is damaged
    return std::nullopt;
  case Existing::update:
    m_held.require();
    return std::nullopt;
  case Existing::reuse_any:
    return reuse_as_it_stands(m_held.require(), m_options);
  case Existing::reuse:
    break;
  }
  return reuse_of_base(m_held.require(), base(), m_options);
}

/// False where another base is to be chosen.
bool Creator::make_of_sound_objects() {
  const os::Hash wanted = base().id();
  for (int i = 1;; ++i) {
    try {
      make();
      return true;
    } catch (const DamagedObjects& damage) {
      if (i == k_attempts) {
        throw os::Error(os::format("objects of the base {} are damaged, and cannot be made anew",
                                   wanted.short_hex()),
                        "the source has changed since it was frozen: freeze it again");
      }
      heal_damage(damage);
    }
    m_chosen.emplace(choose_base(m_root, m_options));
    if (base().id() != wanted) {
      return false;
    }
  }
}

/// Whether the standing tree may be worked on in place: nothing runs in it, and no run of it
/// ended without our seeing the end (its processes may live, on whatever host).
bool Creator::may_refresh_in_place() const {
  if (const auto& record = m_held.last_run(); record && !record->ended_cleanly()) {
    return false;
  }
  return os::processes_in(m_out.path).empty();
}

MadeTree Creator::refresh_or_make(Publication& publication, os::Dir& tree) {
  if (publication.has_old_tree() && may_refresh_in_place()) {
    tree = publication.take_old_tree();
    try {
      require_ours(tree); // its job may have given it away
      auto out = refresh_tree(m_root, base(), m_options.tree, tree);
      m_handed_on = true;
      return out;
    } catch (const os::Error&) {
      // Something in it is not ours to change: the old tree goes, a new one comes.
      tree = os::Dir();
    }
  }
  if (const auto spare = take_spare(m_root, m_folder, base(), m_options.tree)) {
    tree = m_root.work().open_child(m_folder.c_str());
    try {
      require_ours(tree);
      auto out = is_of(*spare, base()) ? as_it_stands(*spare)
                                       : refresh_tree(m_root, base(), m_options.tree, tree);
      m_handed_on = true;
      return out;
    } catch (const os::Error&) {
      tree = os::Dir();
    }
  }
  tree = publication.make_empty_tree();
  return make_tree(m_root, base(), m_options.tree, tree);
}

/// In place: a tree that is taken out of the root, or made anew beside it, would leave a moment in
/// which a kill costs what jobs have made.
void Creator::update() {
  const Snapshot& standing = m_held.require();
  const SnapshotManifest& old = standing.manifest();
  const Base* old_base = standing.find_base();
  if (old_base == nullptr) {
    throw os::Error(os::format("the base {} of the snapshot {} is lost or damaged: nobody can tell "
                               "what its jobs have made",
                               old.base.hex(), os::quoted(m_held.name())),
                    "copy what is to be kept, then make it pristine: --fresh");
  }
  auto marked = old;
  marked.meta.update = Update::unfinished;
  marked.prepare(m_root.snapshots(), m_folder).commit();
  const auto top = m_root.stat_of_tree(m_folder);
  if (top && (top->permissions() & os::k_owner_all) != os::k_owner_all) {
    os::open_up(m_root.top(), m_folder.c_str());
  }
  const os::Dir tree = m_root.top().open_child(m_folder.c_str());
  require_ours(tree);
  auto manifest =
      manifest_of(update_tree(m_root, base(), m_options.tree, tree, OldTree(*old_base, old)));
  manifest.meta.update = Update::done;
  manifest.prepare(m_root.snapshots(), m_folder).commit();
  set_top_mode(base(), tree);
  m_out.refreshed = true;
  settle(std::move(manifest));
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
  made.ledger.handed_on = m_handed_on;
  SnapshotManifest out;
  out.base = base().id();
  out.made = std::move(made.made);
  out.inodes = std::move(made.inodes);
  out.folders = settled(m_root, std::move(made.folders));
  out.meta = {m_held.name(),          os::to_iso8601(os::now()),
              base().meta().source,   RecordedOptions::of(m_options.tree),
              std::move(made.ledger), Update::none};
  return out;
}

void Creator::publish(Publication& publication, const os::Dir& tree, MadeTree made) {
  auto manifest = manifest_of(std::move(made));
  publication.publish(manifest, m_options.run, [&] { set_top_mode(base(), tree); });
  m_out.made = !m_existed;
  m_out.refreshed = m_existed;
  settle(std::move(manifest));
}

void Creator::settle(SnapshotManifest manifest) {
  m_out.ledger = manifest.meta.ledger;
  m_held.put(Snapshot(m_root, m_folder, std::move(manifest), base()));
}

void Creator::heal_damage(const DamagedObjects& damage) {
  std::vector<Damage> damages;
  for (const std::size_t index : damage.files) {
    const FileRecord& file = base().files()[index];
    damages.push_back({base().path_of(base().folder_of(index), file), file.object, file.inode});
  }
  const std::string source = base().meta().source;
  m_chosen.reset();
  const Healed healed = heal(m_root, source, damages);
  m_out.notes.push_back(os::format("damaged: {}, of which {} made anew from the source, {} dropped",
                                   os::counted(damages.size(), "object"), healed.replaced,
                                   healed.dropped));
}

} // namespace

ChosenBase choose_base(const Root& root, const CreateOptions& options) {
  return choose_base(root, options.selection, options.tree.link_from, options.base);
}

bool is_as_made(const Snapshot& snapshot, const Base& base, const TreeOptions& options) {
  return snapshot.meta().update == Update::none && snapshot.manifest().base == base.id() &&
         snapshot.meta().options == RecordedOptions::of(options);
}

std::optional<Created> create(Held& held, const CreateOptions& options, ChosenBase chosen) {
  return Creator(held, options, std::move(chosen)).run();
}

} // namespace snapfix::snapshot
