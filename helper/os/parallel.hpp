#pragma once

#include <condition_variable>
#include <cstddef>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace snapfix::os {

/// As many workers as the calls wait for, found out while they work.
constexpr unsigned k_adapt = 0;

/// How many workers the calling thread's calls want: one on a local file system, where more get in
/// each other's way, more where each call waits for a server.
class CallLatency {
public:
  CallLatency() noexcept : m_begin(now()), m_queued_before(queued_seconds()) {}

  /// 1 as long as there is too little to judge by.
  unsigned workers_wanted() noexcept;

private:
  struct Moment {
    double wall = 0; ///< seconds
    double cpu = 0;  ///< seconds of this thread's work
    long waits = 0;  ///< how often it gave up the processor to wait
  };
  static Moment now() noexcept;
  static double queued_seconds() noexcept;

  Moment m_begin;
  double m_queued_before;
};

/// Works off tasks that may bring up more tasks, the youngest first, from several threads, the
/// caller's among them.
template<typename Task> class WorkQueue {
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

  /// Calls work(task) for each task until there is none left. The first exception ends the work
  /// and is thrown here.
  template<typename Work> void run(const Work& work) {
    m_latency = CallLatency();
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
      if (m_tasks.empty() || m_failure) {
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
      try {
        work(task);
      } catch (...) {
        failure = std::current_exception();
      }
      { [[maybe_unused]] const Task gone = std::move(task); } // what it holds goes without the lock
      lock.lock();
      --m_busy;
      if (failure && !m_failure) {
        m_failure = failure;
      }
    }
  }

  /// The caller's thread looks after each of its tasks whether more would help; the lock is held.
  template<typename Work> void add_threads(const Work& work) {
    if (m_adapts && m_threads.empty()) {
      m_wanted = m_latency.workers_wanted();
    }
    while (m_threads.size() + 1 < m_wanted) {
      try {
        m_threads.emplace_back([this, &work] { take_turns(work, false); });
      } catch (const std::system_error&) { // no more are to be had: it is slower, no worse
        m_adapts = false;
        m_wanted = static_cast<unsigned>(m_threads.size()) + 1;
      }
    }
  }

  bool m_adapts;
  unsigned m_wanted;
  CallLatency m_latency;
  std::mutex m_mutex;
  std::condition_variable m_changed;
  std::vector<Task> m_tasks;
  unsigned m_busy = 0;
  std::exception_ptr m_failure;
  std::vector<std::jthread> m_threads;
};

} // namespace snapfix::os
