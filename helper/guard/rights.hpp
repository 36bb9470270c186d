#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include <sys/types.h>

namespace snapfix::guard {

/// Whether the kernel lets another thread do to files just what it lets us do: the same ids,
/// capabilities, user namespace and security label. (What Landlock took from it cannot be seen.)
bool has_our_rights(pid_t thread);

/// Whether user and group ids mean the same to the thread as to us.
bool is_in_our_user_namespace(pid_t thread);

/// Acts by the rights of another thread, on this thread alone, while this lives.
class AsCaller {
public:
  enum class Ids {
    files, ///< those by which it uses files, and its capabilities
    all    ///< all ids and no capabilities: so the kernel judges who may look into a process where
           ///< root lacks CAP_SYS_PTRACE, and who may use a FUSE file system
  };
  AsCaller(pid_t thread, Ids which);
  AsCaller(const AsCaller&) = delete;
  AsCaller& operator=(const AsCaller&) = delete;
  ~AsCaller();

  /// Whether the rights that we act by now are other ones than ours.
  bool differs() const noexcept { return m_took_ids || m_dropped_capabilities; }
  /// Whether we act by no more rights than the thread; false where we cannot become what it is.
  bool is_no_stronger() const noexcept { return m_is_no_stronger; }

private:
  void take_ids(const std::vector<unsigned>& users, const std::vector<unsigned>& groups,
                const std::vector<unsigned>& more);

  Ids m_which;
  bool m_took_ids = false;
  bool m_dropped_capabilities = false;
  bool m_is_no_stronger = false;
  // Ours:
  std::uint64_t m_effective = 0; ///< capabilities
  std::array<uid_t, 3> m_users{};
  std::array<gid_t, 3> m_first_groups{};
  std::vector<gid_t> m_groups;
};

} // namespace snapfix::guard
