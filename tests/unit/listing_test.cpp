#include "source/listing.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using snapfix::source::ListingBuilder;

namespace {

std::vector<std::string> folder_paths(const snapfix::source::Listing& listing) {
  std::vector<std::string> out;
  for (const auto& folder : listing.folders) {
    out.push_back(folder.path);
  }
  return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(listing)

BOOST_AUTO_TEST_CASE(a_subtree_is_one_stretch_and_parents_come_first) {
  ListingBuilder builder;
  for (const char* path : {"a.b/x", "a/y/z", "a/x", "a-c/x", "top"}) {
    builder.add_file("", path);
  }
  const auto listing = builder.finish();
  const std::vector<std::string> expected{"", "a", "a/y", "a-c", "a.b"};
  BOOST_TEST(folder_paths(listing) == expected, boost::test_tools::per_element());
  for (std::size_t i = 1; i < listing.folders.size(); ++i) {
    BOOST_TEST(listing.folders[i].parent < i);
  }
  BOOST_TEST(listing.folders[2].parent == 1U);
}

BOOST_AUTO_TEST_CASE(names_are_sorted_and_given_once) {
  ListingBuilder builder;
  for (const char* path : {"b", "a", "b", "b"}) { // in conflict: one line a stage
    builder.add_file("", path);
  }
  const auto listing = builder.finish();
  BOOST_TEST(listing.folders[0].names.size() == 2U);
  BOOST_TEST(listing.folders[0].names[0].name == "a");
}

BOOST_AUTO_TEST_CASE(a_prefix_is_the_folder_of_the_path) {
  ListingBuilder builder;
  builder.add_file("sub/", "x");
  builder.add_file("sub/", "d/y");
  const std::vector<std::string> expected{"", "sub", "sub/d"};
  BOOST_TEST(folder_paths(builder.finish()) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_dropped_folder_loses_all_below_it_only) {
  ListingBuilder builder;
  for (const char* path : {"out/x", "out/d/y", "output/z"}) {
    builder.add_file("", path);
  }
  builder.drop_folder("out");
  for (const auto& folder : builder.finish().folders) {
    BOOST_TEST(folder.names.empty() == (folder.path != "output"));
  }
}

BOOST_AUTO_TEST_CASE(below_means_the_folder_itself_or_a_path_through_it) {
  using snapfix::source::is_below;
  BOOST_TEST(is_below("a/b", "a"));
  BOOST_TEST(is_below("a", "a"));
  BOOST_TEST(!is_below("ab", "a"));
  BOOST_TEST(is_below("anything", ""));
}

BOOST_AUTO_TEST_SUITE_END()
