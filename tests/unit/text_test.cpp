#include "cli/arguments.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/likest.hpp"
#include "os/time_text.hpp"

#include <boost/test/unit_test.hpp>

using namespace snapfix;

BOOST_AUTO_TEST_SUITE(text)

BOOST_AUTO_TEST_CASE(any_name_fits_on_one_line) {
  BOOST_TEST(os::quoted("plain") == "'plain'");
  BOOST_TEST(os::quoted("a\nb\t\x01") == "'a\\nb\\t\\x01'");
  BOOST_TEST(os::quoted("\xff\xc3\xa4") == "'\\xff\xc3\xa4'");
}

BOOST_AUTO_TEST_CASE(utf8_is_told_from_other_bytes) {
  for (const char* good : {"", "a", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    BOOST_TEST(os::is_utf8(good));
  }
  // Cut, overlong, a surrogate, above U+10FFFF, a lone continuation.
  for (const char* bad : {"\xc3", "\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80", "\xff",
                          "\xe0\x80\x80", "\xf0\x80\x80\x80"}) {
    BOOST_TEST(!os::is_utf8(bad));
  }
}

BOOST_AUTO_TEST_CASE(a_hash_survives_being_written) {
  const os::Hash hash{0x0123456789abcdef, 0x00000000000000ff};
  BOOST_TEST(hash.hex() == "0123456789abcdef00000000000000ff");
  BOOST_TEST((os::Hash::from_hex(hash.hex()) == hash));
  BOOST_TEST(!os::Hash::from_hex("0123").has_value());
  BOOST_TEST(!os::Hash::from_hex("0123456789ABCDEF00000000000000ff").has_value());
}

BOOST_AUTO_TEST_CASE(the_content_id_does_not_depend_on_how_it_is_fed) {
  os::Hasher pieces;
  pieces.add(std::string_view("ab"));
  pieces.add_zeros(70000);
  pieces.add(std::string_view("c"));
  BOOST_TEST((pieces.finish() == os::hash_of("ab" + std::string(70000, '\0') + "c")));
}

BOOST_AUTO_TEST_CASE(an_error_tells_operation_paths_reason_and_hint) {
  const os::Error error("link", {"a", "b"}, EXDEV, "do this");
  BOOST_TEST(error.what() == std::string("cannot link 'a' to 'b': Invalid cross-device link"));
  BOOST_TEST(error.hint() == "do this");
  BOOST_TEST(error.error_number() == EXDEV);
}

BOOST_AUTO_TEST_CASE(what_was_meant_is_guessed_only_where_it_is_near) {
  const std::vector<std::string> names{"jobs", "json", "source", "link-from", "link-mode"};
  BOOST_TEST(os::likest("jo", names).value() == "jobs");
  BOOST_TEST(os::likest("sorce", names).value() == "source");
  BOOST_TEST(os::likest("link-form", names).value() == "link-from");
  BOOST_TEST(!os::likest("completely-else", names).has_value());
}

BOOST_AUTO_TEST_CASE(times_are_written_in_utc) {
  BOOST_TEST(os::to_iso8601({0, 0}) == "1970-01-01T00:00:00Z");
}

BOOST_AUTO_TEST_SUITE_END()
