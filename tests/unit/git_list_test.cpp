#include "source/git_list.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using snapfix::source::GitList;
using snapfix::source::GitListed;

namespace {

const std::string k_object(40, 'a');

std::string line(const std::string& tag, const std::string& mode, const std::string& path) {
  return tag + " " + mode + " " + k_object + " 0\t" + path + '\0';
}

/// The paths in a list, with a letter for their kind, and its fault if it has one.
std::string read(const std::string& text, std::size_t piece = 1000) {
  std::string out;
  GitList list([&](const GitListed& listed) {
    out += "fsr"[static_cast<int>(listed.kind)];
    out += (listed.skip_worktree ? "-:" : ":") + std::string(listed.path) + " ";
  });
  for (std::size_t at = 0; at < text.size(); at += piece) {
    list.take(std::string_view(text).substr(at, piece));
  }
  return out + list.fault().value_or("");
}

} // namespace

BOOST_AUTO_TEST_SUITE(git_list)

BOOST_AUTO_TEST_CASE(each_kind_is_told_in_whatever_pieces_it_comes) {
  const std::string text = line("H", "100644", "a/b c\td") + line("S", "120000", "l") +
                           line("H", "160000", "sub") + line("S", "040000", "out/") + "? new" +
                           '\0' + "? nested/" + '\0';
  for (std::size_t piece = 1; piece < 60; ++piece) {
    BOOST_TEST(read(text, piece) == "f:a/b c\td f-:l s:sub f-:out f:new r:nested ");
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_list_is_a_fault) {
  BOOST_TEST(read("H 100644").find("cut off") != std::string::npos);
  BOOST_TEST(read("? a").find("cut off") != std::string::npos);
  BOOST_TEST(read(std::string("nonsense") + '\0').find("cannot be read") != std::string::npos);
  BOOST_TEST(read(std::string("H\tx") + '\0').find("cannot be read") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(what_is_no_path_of_a_tree_is_a_fault) {
  for (const char* path : {"", ".", "..", "../x", "a/..", "a/../b", "/x", "a//b", "a/", "./a",
                           ".git", ".git/x", "a/.git/b"}) {
    for (const char* mode : {"100644", "160000"}) {
      BOOST_TEST(read(line("H", mode, path)).find("no path of a tree") != std::string::npos, path);
    }
  }
  BOOST_TEST(read(line("H", "100644", std::string(5000, 'x'))).find("no path") !=
             std::string::npos);
  BOOST_TEST(read(line("H", "100644", "a.git/.gitx")) == "f:a.git/.gitx ");
}

BOOST_AUTO_TEST_SUITE_END()
