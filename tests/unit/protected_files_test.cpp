#include "guard/message_text.hpp"
#include "guard/protected_files.hpp"

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace snapfix::guard;

BOOST_AUTO_TEST_SUITE(protected_files)

BOOST_AUTO_TEST_CASE(holds_what_it_was_given_and_nothing_else) {
  for (const std::uint64_t step : {1U, 2U, 4096U, 1U << 20U}) {
    std::vector<std::uint64_t> inodes;
    for (std::uint64_t i = 1; i <= 5000; ++i) {
      inodes.push_back(1'000'000 + i * step);
    }
    const ProtectedFiles files(7, inodes);
    for (const auto inode : inodes) {
      BOOST_TEST_REQUIRE(files.contains(7, inode));
      BOOST_TEST_REQUIRE(!files.contains(8, inode));
    }
    BOOST_TEST(!files.contains(7, 1'000'000));
    BOOST_TEST(!files.contains(7, 0));
    BOOST_TEST(!files.contains(7, 1'000'000 + 5001 * step));
  }
}

BOOST_AUTO_TEST_CASE(of_nothing_it_holds_nothing) {
  const ProtectedFiles files(7, {});
  BOOST_TEST(!files.contains(7, 1));
  BOOST_TEST(!files.contains(0, 0));
}

BOOST_AUTO_TEST_CASE(a_protection_survives_its_message) {
  Protection given{42, {1, 0xffffffffffffffff, 0x0a0a0a0a0a0a0a0a}, 17, 18, "/t", "", "/s"};
  given.staging = "/a b/ü";
  const auto got = protection_from(text_of(given));
  BOOST_TEST(got.device == given.device);
  BOOST_TEST(got.inodes == given.inodes);
  BOOST_TEST(got.listed_seconds == 17);
  BOOST_TEST(got.listed_nanoseconds == 18);
  BOOST_TEST(got.tree == given.tree);
  BOOST_TEST(got.staging == given.staging);
  BOOST_TEST(got.store == given.store);
}

BOOST_AUTO_TEST_SUITE_END()
