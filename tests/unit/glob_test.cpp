#include "os/error.hpp"
#include "source/glob.hpp"

#include <boost/test/unit_test.hpp>

#include <random>
#include <string>

#include <fnmatch.h>

using snapfix::source::GlobSet;

namespace {

bool matches(const std::string& pattern, const std::string& path) {
  return GlobSet({pattern}, "/src").matches(path);
}

} // namespace

BOOST_AUTO_TEST_SUITE(glob)

BOOST_AUTO_TEST_CASE(a_pattern_without_slash_matches_at_any_depth) {
  BOOST_TEST(matches("*.log", "x.log"));
  BOOST_TEST(matches("*.log", "a/b/x.log"));
  BOOST_TEST(!matches("*.log", "x.logs"));
  BOOST_TEST(matches(".hidden", "a/.hidden"));
  BOOST_TEST(matches("*", ".hidden"));
}

BOOST_AUTO_TEST_CASE(a_pattern_with_slash_is_anchored) {
  BOOST_TEST(matches("a/*.log", "a/x.log"));
  BOOST_TEST(!matches("a/*.log", "b/a/x.log"));
  BOOST_TEST(!matches("a/*.log", "a/b/x.log"));
  BOOST_TEST(matches("./x", "x"));
  BOOST_TEST(!matches("./x", "a/x"));
}

BOOST_AUTO_TEST_CASE(a_matched_folder_means_all_below_it) {
  BOOST_TEST(matches("data", "data/deep/file"));
  BOOST_TEST(matches("data", "a/data/file"));
  BOOST_TEST(matches("a/data/", "a/data/file"));
  BOOST_TEST(matches("data/", "a/data/file"));
  BOOST_TEST(!matches("a/data", "a/database"));
}

BOOST_AUTO_TEST_CASE(two_stars_match_any_number_of_folders) {
  BOOST_TEST(matches("a/**/x", "a/x"));
  BOOST_TEST(matches("a/**/x", "a/b/c/x"));
  BOOST_TEST(matches("**/x", "x"));
  BOOST_TEST(matches("a/**", "a/x"));
  BOOST_TEST(!matches("a/**", "a"));
}

BOOST_AUTO_TEST_CASE(special_characters_stay_within_a_component) {
  BOOST_TEST(matches("a/[bc]", "a/b"));
  BOOST_TEST(!matches("a/[bc]", "a/d"));
  BOOST_TEST(!matches("a?b", "a/b"));
  BOOST_TEST(matches("a/\\*", "a/*"));
  BOOST_TEST(!matches("a/\\*", "a/b"));
}

BOOST_AUTO_TEST_CASE(a_path_under_the_source_is_taken_as_relative) {
  BOOST_TEST(matches("/src/a/x", "a/x"));
  BOOST_TEST(!matches("/src/x", "a/x"));
}

BOOST_AUTO_TEST_CASE(a_pattern_that_cannot_match_is_an_error) {
  for (const char* pattern : {"", "/", "..", "../x", "a/../b", "/elsewhere/x", "."}) {
    BOOST_CHECK_THROW(GlobSet({pattern}, "/src"), snapfix::os::Error);
  }
}

BOOST_AUTO_TEST_CASE(the_folder_of_all_matches_is_the_literal_beginning) {
  const GlobSet globs({"a/b/*.x", "*.y", "a/b/c", "q*/r"}, "/src");
  const std::vector<std::string> expected{"a/b", "", "a/b", ""};
  BOOST_TEST(globs.folders() == expected, boost::test_tools::per_element());
}

/// The rule for one name is fnmatch's.
BOOST_AUTO_TEST_CASE(a_name_is_matched_as_fnmatch_does) {
  std::minstd_rand random;
  const auto text_of = [&](std::string_view bytes) {
    std::string out = "x";
    for (auto length = random() % 8; length > 0; --length) {
      out += bytes[random() % bytes.size()];
    }
    return out;
  };
  std::size_t matched = 0;
  for (int i = 0; i < 50000; ++i) {
    const std::string pattern = text_of("abb-**?[[]]!^\\");
    const std::string name = text_of("ab-[]!^\\");
    const bool expected = ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
    BOOST_TEST(matches("./" + pattern, name) == expected, pattern + " and " + name);
    matched += expected ? 1 : 0;
  }
  BOOST_TEST(matched > 500U);
  BOOST_TEST(matches("./[[:alpha:]-][[:digit:]]", "-1"));
  BOOST_TEST(!matches("./[[:alpha:]]", "1"));
}

/// The test's time limit is the judge.
BOOST_AUTO_TEST_CASE(many_stars_take_no_time) {
  std::string pattern;
  std::string path;
  std::string stars = "./";
  for (int i = 0; i < 20; ++i) {
    pattern += "**/a/";
    path += "a/a/a/a/a/a/a/a/a/a/";
    stars += "*a";
  }
  BOOST_TEST(matches(pattern + "*", path + "x"));
  BOOST_TEST(!matches(pattern + "b", path + "x"));
  const std::string name(200, 'a');
  BOOST_TEST(matches(stars, name));
  BOOST_TEST(!matches(stars + "b", name));
}

BOOST_AUTO_TEST_CASE(recorded_patterns_mean_the_same_when_read_again) {
  const GlobSet first({"x", "./x", "/src/a", "a/**"}, "/src");
  const GlobSet second(first.patterns(), "/src");
  for (const char* path : {"x", "a/x", "a", "b/a", "a/b"}) {
    BOOST_TEST(first.matches(path) == second.matches(path));
  }
  BOOST_TEST(!GlobSet(GlobSet({"/src/x"}, "/src").patterns(), "/src").matches("a/x"));
}

BOOST_AUTO_TEST_SUITE_END()
