#pragma once

#include "guard/channel.hpp"
#include "guard/judge.hpp"
#include "guard/listener.hpp"
#include "guard/protection.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>

namespace snapfix::guard {

/// Answers the calls that a filter reports, as the Judge says.
///
/// One thread answers and copies small files, since one is quickest; big files, and all later calls
/// that name them, wait for a second one, so that nobody else does. Where the one is stuck (in a
/// FUSE file system whose server is itself guarded), others help out. The threads go on until the
/// process ends.
class Server {
public:
  /// See Deputy for `command` and `waits_killable`.
  Server(Listener& listener, const Protection& protection, pid_t command, bool waits_killable)
      : m_listener(listener), m_judge(listener, protection, command, waits_killable) {}

  /// Starts the threads.
  void start();
  /// To be called now and then: if nothing has moved since the last time, more threads answer.
  void help_if_stuck();

  /// Judge::report_of() the command's own snapshot.
  Report report();

  void clear_staging() const { m_judge.clear_staging(); }

private:
  using Clock = std::chrono::steady_clock;

  struct Job {
    seccomp_notif notification{};
    Clock::time_point came;
  };

  void serve(bool is_helper);
  [[noreturn]] void serve_big_files();
  void handle(const Job& job, Judge::Lane lane);
  Verdict judge(const Job& job, const Call& call, Judge::Lane lane);
  bool open_door(ReportedCall& call);
  void talk(const Channel& channel, pid_t run);

  Listener& m_listener;
  Judge m_judge;
  std::atomic<int> m_waiting{0};           ///< threads that wait for a call
  std::atomic<std::uint64_t> m_handled{0}; ///< calls
  std::uint64_t m_handled_before = 0;      ///< at the last help_if_stuck()
  std::atomic<int> m_helpers{0};
  std::mutex m_mutex; ///< for all below
  std::deque<Job> m_big_jobs;
  std::condition_variable m_has_big_jobs;
};

} // namespace snapfix::guard
