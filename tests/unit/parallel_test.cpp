#include "os/parallel.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <thread>
#include <vector>

using snapfix::os::k_adapt;
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
    });
    for (const auto& count : seen) {
      BOOST_TEST(count == 1);
    }
  }
  WorkQueue<int>(4).run([](int) { BOOST_ERROR("nothing to do"); });
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
    }),
                      std::runtime_error);
    BOOST_TEST(done < 100000U);
  }
}

BOOST_AUTO_TEST_CASE(workers_are_added_only_where_calls_wait) {
  const auto threads_for = [](const auto& work) {
    WorkQueue<int> queue(k_adapt);
    for (int i = 0; i < 400; ++i) {
      queue.add(i);
    }
    std::atomic<unsigned> others{0};
    const auto caller = std::this_thread::get_id();
    queue.run([&](int) {
      work();
      others += std::this_thread::get_id() != caller ? 1 : 0;
    });
    return others.load();
  };
  std::atomic<int> computed{0};
  BOOST_TEST(threads_for([&] {
               for (int i = 0; i < 10000; ++i) {
                 ++computed;
               }
             }) == 0U);
  BOOST_TEST(threads_for([] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }) > 100U);
}

BOOST_AUTO_TEST_SUITE_END()
