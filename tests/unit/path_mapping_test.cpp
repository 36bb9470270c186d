#include "source/path_mapping.hpp"

#include <boost/filesystem.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <string>

namespace fs = boost::filesystem;
using snapfix::source::PathMapping;

namespace {

/// A source with a tracked file, an ignored folder and a build tree, and its snapshot.
struct Fixture {
  Fixture() {
    fs::create_directories(source + "/tool");
    fs::create_directories(source + "/venv/bin");
    fs::create_directories(source + "/build/bin");
    std::ofstream(source + "/build/CMakeCache.txt");
    fs::create_directories(snapshot + "/tool");
  }
  ~Fixture() { fs::remove_all(top); }

  std::string top = (fs::temp_directory_path() / fs::unique_path("snapfix-%%%%%%%%")).string();
  std::string source = top + "/my src";
  std::string snapshot = source + "/build/snapshots/t";
  PathMapping mapping{{source}, snapshot};
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(path_mapping, Fixture)

BOOST_AUTO_TEST_CASE(paths_under_the_source_are_mapped_wherever_they_begin) {
  BOOST_TEST(mapping.map_argument(source) == snapshot);
  BOOST_TEST(mapping.map_argument(source + "/tool/x.sh") == snapshot + "/tool/x.sh");
  BOOST_TEST(mapping.map_argument("--cfg=" + source + "/x") == "--cfg=" + snapshot + "/x");
  BOOST_TEST(mapping.map_argument("-I" + source + "/tool") == "-I" + snapshot + "/tool");
  BOOST_TEST(mapping.map_argument("a:" + source + ":" + source + "/b") ==
             "a:" + snapshot + ":" + snapshot + "/b");
  BOOST_TEST(mapping.map_argument("cd '" + source + "' && ls") == "cd '" + snapshot + "' && ls");
}

BOOST_AUTO_TEST_CASE(what_only_looks_like_it_stays) {
  for (const std::string& text : {source + "2/x", "x" + source, "--I" + source, source.substr(1)}) {
    BOOST_TEST(mapping.map_argument(text) == text);
  }
}

BOOST_AUTO_TEST_CASE(build_trees_and_roots_stay) {
  for (const std::string& text :
       {source + "/build/bin/tool", "--x=" + source + "/build", snapshot + "/tool"}) {
    BOOST_TEST(mapping.map_argument(text) == text);
  }
}

BOOST_AUTO_TEST_CASE(what_leaves_the_source_stays) {
  for (const std::string& text :
       {source + "/..", source + "/../shared", source + "/tool/../../x"}) {
    BOOST_TEST(mapping.map_argument(text) == text);
  }
  BOOST_TEST(mapping.map_argument(source + "/tool/../a") == snapshot + "/tool/../a");
}

BOOST_AUTO_TEST_CASE(a_source_that_is_its_own_build_tree_keeps_what_the_build_made) {
  const std::string program = source + "/venv/bin";
  BOOST_TEST(mapping.map_argument(program) == snapshot + "/venv/bin");
  std::ofstream(source + "/CMakeCache.txt");
  BOOST_TEST(mapping.map_argument(program) == program);
  BOOST_TEST(mapping.map_argument(source + "/tool") == snapshot + "/tool");
}

BOOST_AUTO_TEST_CASE(a_variable_keeps_what_exists_only_in_the_source) {
  BOOST_TEST(mapping.map_variable("PATH=" + source + "/venv/bin:" + source + "/tool:/bin") ==
             "PATH=" + source + "/venv/bin:" + snapshot + "/tool:/bin");
  BOOST_TEST(mapping.map_variable("OUT=" + source + "/new.txt") == "OUT=" + snapshot + "/new.txt");
  BOOST_TEST(mapping.map_argument(source + "/venv/bin/python") == snapshot + "/venv/bin/python");
}

BOOST_AUTO_TEST_CASE(the_longest_name_of_the_source_wins) {
  const PathMapping both({"/s", "/s/inner"}, "/snap");
  BOOST_TEST(both.map_argument("/s/inner/x") == "/snap/x");
  BOOST_TEST(both.map_argument("/s/x") == "/snap/x");
}

BOOST_AUTO_TEST_SUITE_END()
