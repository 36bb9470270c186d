#include "uv/lock_check.hpp"
#include "uv/program.hpp"
#include "uv/settings.hpp"

#include <boost/test/unit_test.hpp>

using namespace snapfix;

BOOST_AUTO_TEST_SUITE(uv_settings)

BOOST_AUTO_TEST_CASE(a_relative_exclude_newer_is_a_span_of_time) {
  for (const char* value : {"7 days", "24h", "1week", "P7D", "-P1W", "PT12H", "3 months ago"}) {
    BOOST_TEST(uv::has_relative_exclude_newer("exclude-newer = \"" + std::string(value) + "\""),
               value);
  }
  for (const char* value : {"2026-01-01", "2026-01-01T00:00:00Z", "", "yesterday", "1.5.2"}) {
    BOOST_TEST(!uv::has_relative_exclude_newer("exclude-newer = \"" + std::string(value) + "\""),
               value);
  }
}

BOOST_AUTO_TEST_CASE(it_may_stand_anywhere_behind_its_name) {
  using uv::has_relative_exclude_newer;
  BOOST_TEST(has_relative_exclude_newer("[tool.uv.exclude-newer-package]\na = '2026-01-01'\n"
                                        "b = '7 days'\n"));
  BOOST_TEST(has_relative_exclude_newer("exclude-newer-package = { a = \"2026-01-01\",\n"
                                        "  b = \"7 days\" }"));
  BOOST_TEST(has_relative_exclude_newer("exclude-newer = \"2026-01-01\"\n[pip]\n"
                                        "exclude-newer = \"P1D\""));
  BOOST_TEST(has_relative_exclude_newer("# /// script\n# [tool.uv]\n# exclude-newer = '7 days'"));
  BOOST_TEST(!has_relative_exclude_newer("a = \"7 days\"\nexclude-newer = \"2026-01-01\"\n"
                                         "[other]\nb = \"7 days\""));
  BOOST_TEST(!has_relative_exclude_newer("exclude-newer = \"7 days")); // cut off
  BOOST_TEST(!has_relative_exclude_newer(""));
}

BOOST_AUTO_TEST_CASE(absolute_paths_are_told_from_relative_ones) {
  using uv::has_absolute_path;
  BOOST_TEST(has_absolute_path("source = { virtual = \"/opt/other\" }"));
  BOOST_TEST(has_absolute_path("dep={path='/opt/other'}"));
  BOOST_TEST(has_absolute_path("dependencies = [\"dep @ file:///opt/dep.whl\"]"));
  BOOST_TEST(!has_absolute_path("source = { virtual = \"../other\" }\n"
                                "source = { registry = \"https://pypi.org/simple\" }\n"
                                "include = [\"/src\"]"));
}

BOOST_AUTO_TEST_CASE(releases_are_ordered_by_their_numbers) {
  BOOST_TEST(uv::is_older("0.5.7", "0.5.8"));
  BOOST_TEST(uv::is_older("0.5.8", "0.5.17"));
  BOOST_TEST(uv::is_older("0.9.30", "0.13.0"));
  BOOST_TEST(!uv::is_older("0.5.8", "0.5.8"));
  BOOST_TEST(!uv::is_older("1", "0.5.8"));
  BOOST_TEST(!uv::is_older("?", "0.5.8"));
}

BOOST_AUTO_TEST_CASE(only_uvs_own_words_undo_the_lock) {
  BOOST_TEST(uv::undoes_lock({"uv", "run", "--no-locked", "x"}));
  BOOST_TEST(uv::undoes_lock({"/opt/uv", "sync", "--no-locked"}));
  BOOST_TEST(!uv::undoes_lock({"uv", "run", "--", "x", "--no-locked"}));
  BOOST_TEST(!uv::undoes_lock({"x", "--no-locked"}));
  BOOST_TEST(!uv::undoes_lock({}));
}

BOOST_AUTO_TEST_SUITE_END()
