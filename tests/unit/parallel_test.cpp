#include "os/parallel.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <latch>
#include <stdexcept>
#include <utility>
#include <vector>

using snapfix::os::CallLatency;
using snapfix::os::k_adapt;
using snapfix::os::WorkerTrial;
using snapfix::os::WorkQueue;

BOOST_AUTO_TEST_SUITE(parallel)

BOOST_AUTO_TEST_CASE(each_task_is_worked_on_once) {
  for (const unsigned workers : {k_adapt, 1U, 3U, 64U}) {
    std::vector<std::atomic<int>> seen(511);
    WorkQueue<std::size_t> queue(workers);
    queue.add(0);
    queue.run([&](std::size_t i) { // a binary tree
      ++seen[i];
      for (const std::size_t child : {2 * i + 1, 2 * i + 2}) {
        if (child < seen.size()) {
          queue.add(child);
        }
      }
      return 1U;
    });
    for (const auto& count : seen) {
      BOOST_TEST(count == 1);
    }
  }
  WorkQueue<int>(4).run([](int) {
    BOOST_ERROR("nothing to do");
    return 0U;
  });
}

BOOST_AUTO_TEST_CASE(a_failure_ends_the_work_and_reaches_the_caller) {
  for (const unsigned workers : {1U, 4U}) {
    std::atomic<std::size_t> done{0};
    WorkQueue<std::size_t> queue(workers);
    for (std::size_t i = 0; i < 1000; ++i) {
      queue.add(i);
    }
    const auto work = [&](std::size_t i) {
      if (i == 990) {
        throw std::runtime_error("no");
      }
      ++done;
      return 1U;
    };
    BOOST_CHECK_THROW(queue.run(work), std::runtime_error);
    if (workers == 1) { // others may have done more before they learn of it
      BOOST_TEST(done == 9U);
    }
  }
}

struct FourAreWanted {
  static unsigned workers_wanted(std::uint64_t /*tasks*/, std::uint64_t /*entries*/) { return 4; }
};

BOOST_AUTO_TEST_CASE(as_many_workers_come_as_are_wanted) {
  WorkQueue<int, FourAreWanted> queue(k_adapt);
  for (int i = 0; i < 4; ++i) {
    queue.add(i);
  }
  std::latch all_are_at_work(4);
  std::atomic<unsigned> done{0};
  queue.run([&](int) {
    all_are_at_work.arrive_and_wait(); // with fewer workers for ever
    ++done;
    return 1U;
  });
  BOOST_TEST(done == 4U);
}

constexpr double k_least_wait = 1e-3;

/// Of a thread that worked 1 s in all, and waited so often for so many seconds, of which it was
/// ready for `queued`.
template<int Queued> unsigned wanted_after(long waits, double waited) {
  CallLatency latency({100, 10, 1000}, 5);
  return latency.workers_wanted(k_least_wait, {101 + waited, 11, 1000 + waits},
                                []() noexcept { return 5.0 + Queued; });
}

BOOST_AUTO_TEST_CASE(many_workers_are_wanted_where_calls_wait) {
  BOOST_TEST(wanted_after<0>(15, 7) == 1U);   // too few to judge by
  BOOST_TEST(wanted_after<0>(16, 7) == 8U);   // one processor is busy with eight
  BOOST_TEST(wanted_after<0>(7001, 7) == 1U); // not long enough each
  BOOST_TEST(wanted_after<3>(16, 7) == 5U);   // for a processor they need not wait
  BOOST_TEST(wanted_after<7>(16, 7) == 1U);
  BOOST_TEST(wanted_after<0>(1000, 1000) == 32U);
}

BOOST_AUTO_TEST_CASE(calls_are_judged_by_what_was_lately) {
  const auto none_queued = []() noexcept { return 0.0; };
  CallLatency latency({0, 0, 0}, 0);
  BOOST_TEST(latency.workers_wanted(k_least_wait, {10, 10, 0}, none_queued) == 1U);
  BOOST_TEST(latency.workers_wanted(k_least_wait, {10.2, 10.1, 20}, none_queued) == 2U);
}

/// How many workers a trial ends with if `speedup` workers' work is what that many get done, and
/// the most there were.
template<typename Speedup> std::pair<unsigned, unsigned> trial_of(unsigned most, Speedup speedup) {
  WorkerTrial trial(most);
  unsigned seen = 1;
  double files = 0;
  for (int i = 0; i < 10000; ++i) { // folders of 20 files, one each 0.1 ms
    files += 20 * speedup(trial.workers());
    trial.look(
        {i * 1e-4, static_cast<std::uint64_t>(files) / 20, static_cast<std::uint64_t>(files)});
    seen = std::max(seen, trial.workers());
  }
  return {trial.workers(), seen};
}

BOOST_AUTO_TEST_CASE(more_workers_stay_if_they_get_more_done) {
  const auto linear = [](unsigned workers) { return workers; };
  BOOST_TEST(trial_of(1, linear).second == 1U);
  BOOST_TEST(trial_of(2, linear).first == 2U);
  BOOST_TEST(trial_of(3, linear).second == 2U);
  BOOST_TEST(trial_of(8, linear).first == 8U);
  const auto slower = [](unsigned workers) { return 1.0 / workers; };
  BOOST_TEST(trial_of(8, slower).first == 1U);
  BOOST_TEST(trial_of(8, slower).second == 2U);
  const auto up_to_two = [](unsigned workers) { return std::min(workers, 2U); };
  BOOST_TEST(trial_of(8, up_to_two).first == 2U);
  BOOST_TEST(trial_of(8, up_to_two).second == 4U);
}

BOOST_AUTO_TEST_CASE(too_little_work_is_no_trial) {
  WorkerTrial few_folders(8);
  for (int i = 0; i < 3; ++i) {
    few_folders.look(
        {i * 1.0, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i) * 20000});
  }
  BOOST_TEST(few_folders.workers() == 1U);
  WorkerTrial slow_calls(8); // that is for the calls' own waits to judge
  for (int i = 0; i < 60; ++i) {
    slow_calls.look({i * 1e-3, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i)});
  }
  BOOST_TEST(slow_calls.workers() == 1U);
  WorkerTrial settled(8);
  settled.settle(5);
  for (int i = 0; i < 1000; ++i) {
    settled.look({i * 1e-4, static_cast<std::uint64_t>(i), static_cast<std::uint64_t>(i) * 20});
  }
  BOOST_TEST(settled.workers() == 5U);
}

BOOST_AUTO_TEST_SUITE_END()
