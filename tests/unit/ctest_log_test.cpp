#include "page/ctest_log.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace page = snapfix::page;
using snapfix::snapshot::Outcome;

namespace {

const std::string k_line(58, '-');

std::string ended(const std::string& verdict) {
  return "<end of output>\nTest time =   1.25 sec\n" + k_line + "\n" + verdict + "\n" + k_line +
         "\n\n";
}

std::string section(const std::string& number, const std::string& name, const std::string& output,
                    const std::string& verdict) {
  return number + " Testing: " + name + "\n" + number + " Test: " + name +
         "\nCommand: \"x\"\nDirectory: /\n\"" + name +
         "\" start time: Jan 31 13:00 UTC\nOutput:\n" + k_line + "\n" + output + ended(verdict);
}

} // namespace

BOOST_AUTO_TEST_SUITE(ctest_log)

BOOST_AUTO_TEST_CASE(tests_are_told_apart) {
  const auto tests = page::tests_in_log("Start testing: Jan 31 13:00 UTC\n" + k_line + "\n" +
                                        section("2/2", "b", "said\n", "Test Failed.") +
                                        section("1/2", "a", "", "Test Passed."));
  BOOST_REQUIRE(tests.size() == 2U);
  BOOST_TEST(tests[0].name == "b");
  BOOST_TEST(tests[0].tail == "said");
  BOOST_TEST(tests[0].seconds == 1.25);
  BOOST_TEST((tests[0].outcome == Outcome::failed));
  BOOST_TEST((tests[1].outcome == Outcome::passed));
  BOOST_TEST(page::tests_in_log("").empty());
  BOOST_TEST(page::tests_in_log(" Testing: 1/1 Testing: a\n1/1 Testing: a\n").empty());
}

/// A test may print whatever ctest writes.
BOOST_AUTO_TEST_CASE(an_output_is_no_log) {
  const auto forged = section("1/2", "a", "no\n", "Test Failed.");
  const std::vector<std::string> outputs{
      forged, "<end of output>\n" + forged, "<end of output>\n1/2 Testing: a\n1/2 Test: a\n",
      ended("Test Failed.") + "1/2 Testing: a\n", forged + section("2/3", "c", "", "")};
  for (const auto& output : outputs) {
    const auto tests = page::tests_in_log(section("2/2", "b", output, "Test Passed.") +
                                          section("1/2", "a", "said\n", "Test Passed."));
    BOOST_TEST_CONTEXT(output) {
      BOOST_REQUIRE(tests.size() == 2U);
      BOOST_TEST((tests[0].outcome == Outcome::passed));
      BOOST_TEST(tests[1].tail == "said");
      BOOST_TEST((tests[1].outcome == Outcome::passed));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_cut_is_read_so_far) {
  const auto log =
      section("2/2", "b", "said\n", "Test Failed.") + section("1/2", "a", "too\n", "Test Passed.");
  for (std::size_t size = 0; size < log.size(); ++size) {
    BOOST_TEST(page::tests_in_log(log.substr(0, size)).size() <= 2U);
    BOOST_TEST(page::tests_in_log(log.substr(size)).size() <= 2U);
  }
}

BOOST_AUTO_TEST_SUITE_END()
