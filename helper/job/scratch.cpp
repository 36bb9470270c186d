#include "job/scratch.hpp"

#include "os/format.hpp"
#include "os/process.hpp"
#include "os/remove_tree.hpp"

#include <exception>

namespace snapfix::job {

Scratch::Scratch(const snapshot::Root& root, const std::string& purpose)
    : m_root(root), m_name(os::format("~{}.{}", purpose, os::this_process())),
      m_lock(root.lock_name(m_name, "snapfix " + purpose)) {
  os::remove_tree(root.work(), m_name.c_str());
  m_dir = root.work().ensure_child(m_name.c_str(), 0700);
}

Scratch::~Scratch() {
  try {
    os::remove_tree(m_root.work(), m_name.c_str());
    m_root.remove_lock_file(m_name, m_lock);
  } catch (const std::exception&) { // prune takes it
  }
}

} // namespace snapfix::job
