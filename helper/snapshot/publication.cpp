#include "snapshot/publication.hpp"

#include "os/remove_tree.hpp"

#include <exception>
#include <utility>

namespace snapfix::snapshot {
namespace {

template<typename Step> bool attempt(const Step& step) noexcept {
  try {
    step();
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

} // namespace

Publication::Publication(const Root& root, std::string folder)
    : m_root(root), m_folder(std::move(folder)) {
  const auto old = m_root.top().try_stat(m_folder.c_str());
  if (old && old->is_folder()) {
    m_old_permissions = old->permissions();
  }
}

os::Dir Publication::take_old_tree() {
  m_root.discard_work(m_folder);
  m_root.take_tree(m_folder);
  m_takes_old = true;
  m_old = Old::set_aside;
  os::open_up(m_root.work(), m_folder.c_str());
  os::Dir tree = m_root.work().open_child(m_folder.c_str());
  m_old = Old::lost;
  return tree;
}

os::Dir Publication::make_empty_tree() const {
  m_root.discard_work(m_folder);
  m_root.work().make_folder(m_folder.c_str(), 0777);
  return m_root.work().open_child(m_folder.c_str());
}

void Publication::publish(const SnapshotManifest& manifest, const RunRecord* run,
                          const std::function<void()>& touch_last) {
  auto record = manifest.prepare(m_root.snapshots(), m_folder);
  if (!m_takes_old) { // one in which something runs, or that is no folder
    m_trash_lock = m_root.lock_trash();
    m_old_in_trash = m_root.discard_tree(m_folder);
    m_old = m_old_in_trash ? Old::set_aside : Old::untouched;
  }
  record.commit();
  m_is_recorded = true;
  m_old = m_old == Old::set_aside ? Old::lost : m_old;
  m_trash_lock.reset();
  if (run != nullptr) {
    write_run(m_root, m_folder, *run);
  } else {
    m_root.runs().unlink_if_present(m_folder.c_str()); // the old one's
  }
  m_root.publish_tree(m_folder);
  touch_last();
}

bool Publication::put_back() const {
  return attempt([this] {
    if (m_old_in_trash) {
      m_root.restore_tree(m_folder, *m_old_in_trash);
    } else {
      m_root.publish_tree(m_folder);
    }
    if (m_old_permissions) {
      m_root.top().set_permissions(m_folder.c_str(), *m_old_permissions);
    }
  });
}

bool Publication::give_up() noexcept {
  if (m_old == Old::set_aside) {
    m_old = put_back() ? Old::untouched : Old::lost;
  }
  m_trash_lock.reset();
  attempt([this] { m_root.discard_work(m_folder); });
  // What was published has not got its last touch.
  if ((m_old == Old::lost || m_is_recorded) && attempt([this] { m_root.discard_tree(m_folder); })) {
    attempt([this] { m_root.forget(m_folder); });
  }
  return m_old == Old::lost;
}

} // namespace snapfix::snapshot
