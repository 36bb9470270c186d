#pragma once

#include "guard/break_link.hpp"
#include "guard/caller.hpp"
#include "guard/channel.hpp"
#include "guard/filter.hpp"
#include "guard/guarded_trees.hpp"
#include "guard/listener.hpp"
#include "guard/protection.hpp"

#include <nlohmann/json.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <set>
#include <string>

namespace snapfix::guard {

/// Answers the calls that a filter reports: makes private what is shared, then lets them go on.
///
/// One thread answers and copies small files, since one is quickest; big files, and all later calls
/// that name them, wait for serve_big_files(), so that nobody else does. Where the one is stuck (in
/// a FUSE file system whose server is itself guarded), others help out.
class CopyOnWrite {
public:
  /// `may_open`: signals do not interrupt calls that are looked at, so a descriptor that we give is
  /// not given in vain.
  CopyOnWrite(Listener& listener, const Protection& protection, bool may_open);

  /// Starts the thread that answers, until the process ends.
  void start_serving();
  [[noreturn]] void serve_big_files();
  /// To be called now and then: if nothing has moved since the last time, one more thread answers.
  void help_if_stuck();

  /// GuardedTrees::report_of() the command's own snapshot.
  nlohmann::json report() const;

  void clear_staging() const { m_breaker.clear(::getpid()); }

private:
  using Clock = std::chrono::steady_clock;

  struct Job {
    seccomp_notif notification{};
    Clock::time_point came;
  };
  enum class Lane { quick, big };
  /// What a call gets: the kernel does it, or it returns an errno, or it was answered already.
  struct Verdict {
    enum class Kind { proceed, fail, done, later } kind = Kind::proceed;
    int error_number = 0;
  };

  void serve(bool is_helper);
  void handle(const Job& job, Lane lane);
  int break_link(const NamedFile& file, const Place& place, os::UniqueFd& copy);
  Verdict judge(const seccomp_notif& notification, const Call& call, Lane lane);
  std::optional<NamedFile> named_file(Caller& caller, const seccomp_notif& notification,
                                      const Call& call);
  Verdict protect(Caller& caller, const seccomp_notif& notification, const Call& call,
                  NamedFile file);
  Verdict let_go(Caller& caller, const seccomp_notif& notification, const Call& call,
                 const NamedFile& file);
  void prepare(Caller& caller, const NamedFile& file, const Call& call);
  Verdict protect_descriptor(Caller& caller, const seccomp_notif& notification, const Call& call,
                             const NamedFile& file);
  std::optional<Verdict> replace_descriptor(const Caller& caller, const seccomp_notif& notification,
                                            int private_file);
  static std::optional<Place> place_of(Caller& caller, const NamedFile& file);
  os::UniqueFd private_of(const NamedFile& file, Caller& caller, const Call& call, int& failed);
  /// Whose the caller's are to be to open a file: known to be as ours, or to be asked for.
  enum class Rights { ours, callers };
  Verdict open_for(Caller& caller, const seccomp_notif& notification, const Call& call,
                   int private_file, Rights rights);
  bool may_open_for(const Caller& caller, const seccomp_notif& notification,
                    const Call& call) const;
  void open_door(std::uint64_t id);
  void talk(const Channel& channel);

  /// Whether this is the thread that answers one call after the other.
  static thread_local bool answers_in_turn;

  Listener& m_listener;
  LinkBreaker m_breaker;
  bool m_may_open;
  std::atomic<int> m_waiting{0};           ///< threads that wait for a call
  std::atomic<std::uint64_t> m_handled{0}; ///< calls
  std::uint64_t m_handled_before = 0;      ///< at the last help_if_stuck()
  std::atomic<int> m_helpers{0};
  GuardedTrees m_trees;
  const GuardedTrees::Tree& m_own;
  mutable std::mutex m_mutex; ///< for all below
  std::deque<Job> m_big_jobs;
  std::set<std::uint64_t> m_big_inodes; ///< being copied, or waiting for it
  std::condition_variable m_has_big_jobs;
  std::set<std::uint64_t> m_being_broken; ///< inodes: one at a time
  std::condition_variable m_is_broken;
};

} // namespace snapfix::guard
