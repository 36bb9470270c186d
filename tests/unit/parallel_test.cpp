#include "os/parallel.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <stdexcept>
#include <vector>

using snapfix::os::for_each_index;

BOOST_AUTO_TEST_SUITE(parallel)

BOOST_AUTO_TEST_CASE(each_index_is_worked_on_once) {
  for (const unsigned workers : {0U, 1U, 3U, 64U}) {
    std::vector<std::atomic<int>> seen(500);
    for_each_index(seen.size(), workers, [&](std::size_t i) { ++seen[i]; });
    for (const auto& count : seen) {
      BOOST_TEST(count == 1);
    }
  }
  for_each_index(0, 4, [](std::size_t) { BOOST_ERROR("nothing to do"); });
}

BOOST_AUTO_TEST_CASE(a_failure_ends_the_work_and_reaches_the_caller) {
  for (const unsigned workers : {1U, 4U}) {
    std::atomic<std::size_t> done{0};
    BOOST_CHECK_THROW(for_each_index(100000, workers,
                                     [&](std::size_t i) {
                                       if (i == 10) {
                                         throw std::runtime_error("no");
                                       }
                                       ++done;
                                     }),
                      std::runtime_error);
    BOOST_TEST(done < 100000U);
  }
}

BOOST_AUTO_TEST_SUITE_END()
