#include "os/parallel.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

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
    for (std::size_t i = 0; i < 100000; ++i) {
      queue.add(i);
    }
    BOOST_CHECK_THROW(queue.run([&](std::size_t i) {
      if (i == 99990) {
        throw std::runtime_error("no");
      }
      ++done;
      return 1U;
    }),
                      std::runtime_error);
    BOOST_TEST(done < 100000U);
  }
}

BOOST_AUTO_TEST_CASE(many_workers_come_where_calls_wait) {
  WorkQueue<int> queue(k_adapt);
  for (int i = 0; i < 400; ++i) {
    queue.add(i);
  }
  std::atomic<unsigned> others{0};
  const auto caller = std::this_thread::get_id();
  queue.run([&](int) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    others += std::this_thread::get_id() != caller ? 1 : 0;
    return 1U;
  });
  BOOST_TEST(others > 350U); // with one worker more it would be 200
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
