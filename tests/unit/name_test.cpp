#include "os/error.hpp"
#include "snapshot/name.hpp"

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>

using snapfix::snapshot::folder_of_name;

BOOST_AUTO_TEST_SUITE(name)

BOOST_AUTO_TEST_CASE(plain_names_are_their_own_folder) {
  for (const std::string& name :
       {std::string("a"), std::string("_x"), std::string("grpo-1.2_b"), std::string("t@Debug"),
        std::string("A+b=c"), std::string("0"), std::string(100, 'x')}) {
    BOOST_TEST(folder_of_name(name) == name);
  }
}

BOOST_AUTO_TEST_CASE(no_name_reaches_outside_the_root_or_at_its_inner_folder) {
  for (const char* name : {".", "..", "../x", "/etc", "a/b", ".snapfix", ".gitignore", "-x", "~"}) {
    const auto folder = folder_of_name(name);
    BOOST_TEST(folder.find('/') == std::string::npos);
    BOOST_TEST(folder[0] != '.');
    BOOST_TEST(folder[0] != '-');
    BOOST_TEST(folder.find('~') != std::string::npos);
  }
  BOOST_CHECK_THROW(folder_of_name(""), snapfix::os::Error);
}

BOOST_AUTO_TEST_CASE(different_names_have_different_folders) {
  std::set<std::string> folders;
  const std::string longest(400, 'n');
  for (const std::string& name :
       {std::string("a b"), std::string("a_b"), std::string("a/b"), std::string("a\nb"), longest,
        longest + "1", std::string(101, 'x'), std::string("\xff")}) {
    const auto folder = folder_of_name(name);
    BOOST_TEST(folders.insert(folder).second);
    BOOST_TEST(folder.size() <= 100U);
    // A mapped name is itself no plain name, so nobody can take it by asking for it.
    BOOST_TEST((folder == name || folder_of_name(folder) != folder));
  }
}

BOOST_AUTO_TEST_SUITE_END()
