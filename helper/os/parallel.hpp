#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace snapfix::os {

/// As many workers as are of use, found out while they work.
constexpr unsigned k_adapt = 0;

/// How many workers it takes to keep a processor busy while the calling thread's calls wait for a
/// server: 1 on a local file system.
class CallLatency {
public:
  /// What a thread has done until then.
  struct Moment {
    double wall = 0; ///< seconds
    double cpu = 0;  ///< seconds of this thread's work
    long waits = 0;  ///< how often it gave up the processor to wait
  };
  /// How long the thread was ready, and waited for a processor.
  using QueuedSeconds = double (*)() noexcept;

  CallLatency() noexcept : CallLatency(now(), queued_seconds()) {}
  CallLatency(const Moment& begin, double queued_before) noexcept
      : m_begin(begin), m_queued_before(queued_before) {}

  /// 1 as long as there is too little to judge by. Calls that wait `least_wait` seconds or less do
  /// not count. What `queued` says is costly: it is asked only where it matters.
  unsigned workers_wanted(double least_wait, const Moment& end = now(),
                          QueuedSeconds queued = queued_seconds) noexcept;

  /// Which part of the time this thread was ready, and waited for a processor.
  double share_queued() const noexcept;

private:
  static Moment now() noexcept;
  static double queued_seconds() noexcept;

  Moment m_begin;
  double m_queued_before;
};

/// What all workers have done until a moment.
struct Done {
  double seconds = 0; ///< since any fixed moment
  std::uint64_t tasks = 0;
  std::uint64_t entries = 0; ///< files, or whatever makes a task long
};

/// Finds out how many workers are the fastest: twice as many stay if they get clearly more done in
/// the same time. Whether they do is a matter of the file system, of the kernel, and of what else
/// the machine does.
class WorkerTrial {
public:
  explicit WorkerTrial(unsigned most_workers) noexcept : m_most(most_workers) {}

  unsigned workers() const noexcept { return m_workers; }
  void look(const Done& done) noexcept;

  /// Ends it.
  void settle(unsigned workers) noexcept;

private:
  unsigned m_most;
  unsigned m_workers = 1;
  bool m_is_settled = false;
  std::optional<Done> m_begin;
  double m_rate_of_half = 0; ///< entries a second with half as many workers
};

/// How many workers there are to be: where calls wait for a server as many as that takes, else what
/// the trial says, as long as processors are free: others' work is not to be slowed down.
class Pace {
public:
  Pace() noexcept;

  /// To be called from one thread, after each of its tasks.
  unsigned workers_wanted(std::uint64_t tasks, std::uint64_t entries) noexcept;

private:
  CallLatency m_latency;
  WorkerTrial m_trial;
};

/// Works off tasks that may bring up more tasks, the youngest first, from several threads, the
/// caller's among them. `PaceOf` says how many where that is not given.
template<typename Task, typename PaceOf = Pace> class WorkQueue {
public:
  /// `workers`: how many threads, or k_adapt.
  explicit WorkQueue(unsigned workers) : m_adapts(workers == k_adapt), m_wanted(workers) {}

  void add(Task task) {
    const std::scoped_lock lock(m_mutex);
    m_tasks.push_back(std::move(task));
    if (!m_threads.empty()) {
      m_changed.notify_one();
    }
  }

  /// Calls work(task) for each task until there is none left; it returns how many entries the task
  /// had, more or less. The first exception ends the work and is thrown here.
  template<typename Work> void run(const Work& work) {
    if (m_adapts) {
      m_pace.emplace();
    }
    m_running = 1;
    take_turns(work, true);
    m_threads.clear(); // joins
    if (m_failure) {
      std::rethrow_exception(m_failure);
    }
  }

private:
  template<typename Work> void take_turns(const Work& work, bool is_caller) {
    std::unique_lock lock(m_mutex);
    for (;;) {
      m_changed.wait(lock, [&] { return !m_tasks.empty() || m_busy == 0 || m_failure; });
      const bool is_too_many = !is_caller && m_running > m_wanted;
      if (m_tasks.empty() || m_failure || is_too_many) {
        --m_running;
        m_changed.notify_all();
        return;
      }
      Task task = std::move(m_tasks.back());
      m_tasks.pop_back();
      ++m_busy;
      if (is_caller) {
        add_threads(work);
      }
      lock.unlock();
      std::exception_ptr failure;
      std::uint64_t entries = 0;
      try {
        entries = work(task);
      } catch (...) {
        failure = std::current_exception();
      }
      { [[maybe_unused]] const Task gone = std::move(task); } // what it holds goes without the lock
      lock.lock();
      --m_busy;
      ++m_tasks_done;
      m_entries_done += entries;
      if (failure && !m_failure) {
        m_failure = failure;
      }
    }
  }

  /// The caller's thread looks after each of its tasks whether more would help; the lock is held.
  template<typename Work> void add_threads(const Work& work) {
    if (m_pace) {
      m_wanted = m_pace->workers_wanted(m_tasks_done, m_entries_done);
    }
    while (m_running < m_wanted) {
      try {
        m_threads.emplace_back([this, &work] { take_turns(work, false); });
        ++m_running;
      } catch (const std::exception&) { // no more are to be had: it is slower, no worse
        m_pace.reset();
        m_wanted = m_running;
      }
    }
  }

  bool m_adapts;
  unsigned m_wanted;
  unsigned m_running = 0; ///< the caller's thread among them
  std::optional<PaceOf> m_pace;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::vector<Task> m_tasks;
  unsigned m_busy = 0;
  std::uint64_t m_tasks_done = 0;
  std::uint64_t m_entries_done = 0;
  std::exception_ptr m_failure;
  std::vector<std::jthread> m_threads;
};

} // namespace snapfix::os
