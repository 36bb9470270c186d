#pragma once

#include "guard/command.hpp"
#include "os/environment.hpp"
#include "os/lock.hpp"
#include "snapshot/create.hpp"

#include <set>
#include <string>
#include <vector>

namespace snapfix::job {

/// The files that may be the lock of what `locked`, of the snapshots of that base, names: of a
/// script its own; of a project that in its folder or in one above.
std::vector<std::string> locks_of(const snapshot::Base& base, const std::string& locked);

/// Text as the detail of a message, its first `most` lines.
std::string indented(const std::string& text, std::size_t most);

struct LockOptions {
  std::string uv;           ///< the program; empty: that of PATH
  bool under_ctest = false; ///< whether what called us is a ctest run
  os::Patience patience;    ///< with another process that checks the same
  bool is_done = false;     ///< somebody has checked them already
};

/// `uv lock --check` for the projects and scripts of one snapshot. An answer is remembered, that
/// the lock fits and that it does not: of a base, by all that it rests on. What may be another
/// answer soon (no network, a relative exclude-newer) is remembered for the ctest run.
class LockCheck {
public:
  LockCheck(const snapshot::Root& root, const snapshot::CreateOptions& wanted,
            const LockOptions& options);

  /// Whether it is known of the base that all locks fit. Throws os::Error where it is known that
  /// one does not.
  bool has_passed(const snapshot::Base& base) const;

  /// Finds out, for those of which it is not known. Throws os::Error where a lock does not fit, and
  /// where nothing could be found out.
  void run(const os::Hash& base_id);

private:
  /// What uv said, in words of ours.
  struct Answer {
    std::string failure; ///< empty: the lock fits
    std::string hint;
    bool lasts = true; ///< the same question would get it again
  };

  std::string mark(const os::Hash& base, const std::string& locked, const std::string& run) const;
  bool is_known_to_fit(const os::Hash& base, const std::string& locked) const;
  void remember(const os::Hash& base, const std::string& locked, const Answer& answer);
  void require_lock(const snapshot::Base& base, const std::string& locked) const;
  void check(const snapshot::Base& base, const std::string& locked);
  Answer ask(snapshot::Held& held, const snapshot::Base& base, const std::string& locked) const;
  Answer answer_of(const guard::CommandEnd& end, const snapshot::Base& base,
                   const std::string& locked, const std::string& output) const;
  std::string in_source(const std::string& locked) const;
  std::string how_to_lock(const snapshot::Base& base, const std::string& locked) const;

  const snapshot::Root& m_root;
  const snapshot::CreateOptions& m_wanted;
  std::string m_uv;
  os::Patience m_patience;
  std::string m_run; ///< the ctest run that asks; empty by hand
  os::Environment m_environment;
  os::Hash m_surroundings;
  std::set<std::string> m_fit; ///< found by this process
};

} // namespace snapfix::job
