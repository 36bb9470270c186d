#include "os/subprocess.hpp"

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <sstream>

#include <unistd.h>

using namespace snapfix::os;

BOOST_AUTO_TEST_SUITE(git_variables)

BOOST_AUTO_TEST_CASE(every_variable_that_this_git_lists_is_dropped) {
  const auto git = run_program({"git", "rev-parse", "--local-env-vars"},
                               Environment({"PATH=/usr/bin:/bin"}), "/");
  BOOST_REQUIRE(git.exit_code == 0);
  std::istringstream lines(git.out);
  std::size_t count = 0;
  for (std::string name; std::getline(lines, name); ++count) {
    BOOST_TEST(std::ranges::count(git_local_variables(), name) == 1, name);
  }
  BOOST_TEST(count > 5U);
}

BOOST_AUTO_TEST_CASE(the_rest_of_the_environment_stays) {
  ::setenv("GIT_INDEX_FILE", "/x", 1);
  ::setenv("SNAPFIX_TEST_STAYS", "a=b", 1);
  const auto environment = environment_without_git().variables();
  BOOST_TEST(std::ranges::count(environment, "GIT_INDEX_FILE=/x") == 0);
  BOOST_TEST(std::ranges::count(environment, "SNAPFIX_TEST_STAYS=a=b") == 1);
  ::unsetenv("GIT_INDEX_FILE");
  ::unsetenv("SNAPFIX_TEST_STAYS");
}

BOOST_AUTO_TEST_SUITE_END()
