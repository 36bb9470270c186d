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

BOOST_AUTO_TEST_CASE(a_path_may_begin_behind_what_is_no_part_of_a_path) {
  for (const std::string before :
       {"", "--cfg=", "a:", "x;", "a,", "cd '", "cat \"", "$(", "[", "{", "cat <", "echo x >", "a|",
        "true &&", "@", "a ", "a\t", "a\n", "!", "grep ^", "--x=\"", "print(r'", "\\\"",
        // options whose value follows at once
        "-I", "-L", "-isystem", "-iquote", "-cxx-isystem", "-O2 -I", "-Wl,-L", "-Wl,-rpath,", "-MF",
        "a;-I", "-DX=",
        // URLs, and what else has several slashes
        "file://", "--schema=file://", "file://localhost", "git+file://", "sqlite:///", "sqlite://",
        "jdbc:sqlite:", "jar:file:", "path:", "/", "--x=//", "${X:-", "${X:+"}) {
    BOOST_TEST(mapping.map(before + source + "/tool/x.sh") == before + snapshot + "/tool/x.sh");
    BOOST_TEST(mapping.map(before + source) == before + snapshot);
  }
}

BOOST_AUTO_TEST_CASE(where_a_longer_path_goes_on_none_begins) {
  for (const std::string before : {"x",
                                   "/x",
                                   "x-",
                                   ".",
                                   "..",
                                   "~",
                                   "$HOME",
                                   "${HOME}",
                                   "$(pwd)",
                                   "*",
                                   "x/-I",
                                   "--I",
                                   "-",
                                   "-3",
                                   "c++",
                                   "%",
                                   "a]",
                                   "\"$HOME\"",
                                   "'a b'",
                                   "http:/",
                                   "redis://h",
                                   "file://host",
                                   "http://localhost"}) {
    BOOST_TEST(mapping.map(before + source + "/tool") == before + source + "/tool");
  }
  BOOST_TEST(mapping.map(source.substr(1)) == source.substr(1));
  const PathMapping short_name({"/no-src"}, "/snap");
  BOOST_TEST(short_name.map("http://no-src/x") == "http://no-src/x");
  BOOST_TEST(short_name.map("file:///no-src/x") == "file:///snap/x");
  BOOST_TEST(short_name.map("a/no-src:/no-src:b") == "a/no-src:/snap:b");
}

BOOST_AUTO_TEST_CASE(the_source_must_end_where_a_name_ends) {
  for (const std::string after : {"",  "/", "/x", ":b", ";b", ",b", "'",  "\"", "`",  ")",
                                  "]", "}", "<x", ">x", "|x", "&",  " x", "\n", "=.", "\\\""}) {
    BOOST_TEST(mapping.map(source + after) == snapshot + after);
  }
  for (const std::string after :
       {"2", "2/x", "-old", ".old/x", "_", "+", "~", "%", "@tmp/x", "#x", "*", "?", "$X"}) {
    BOOST_TEST(mapping.map(source + after) == source + after);
  }
  for (const std::string after : {"?ref=x", "#x", "@v1"}) { // of a URL
    BOOST_TEST(mapping.map("git+file://" + source + after) == "git+file://" + snapshot + after);
  }
}

BOOST_AUTO_TEST_CASE(lists_are_mapped_one_by_one) {
  BOOST_TEST(mapping.map("a:" + source + ":" + source + "/b:/bin") ==
             "a:" + snapshot + ":" + snapshot + "/b:/bin");
  BOOST_TEST(mapping.map("-ffile-prefix-map=" + source + "=" + source) ==
             "-ffile-prefix-map=" + snapshot + "=" + snapshot);
  BOOST_TEST(mapping.map("cd '" + source + "' && cat '" + source + "/a'") ==
             "cd '" + snapshot + "' && cat '" + snapshot + "/a'");
}

BOOST_AUTO_TEST_CASE(a_name_may_hold_any_separator) {
  for (const std::string name :
       {"/a b", "/a=b", "/a,b", "/a:b/c", "/a;b", "/a(b)", "/a#b", "/a@b"}) {
    fs::create_directories(source + name); // only there
    BOOST_TEST(mapping.map(source + name) == source + name);
    BOOST_TEST(mapping.map("x " + source + name + " y") == "x " + source + name + " y");
    fs::create_directories(snapshot + name);
    BOOST_TEST(mapping.map("x " + source + name + " y") == "x " + snapshot + name + " y");
  }
  fs::create_directories(source + " (old)"); // another folder
  BOOST_TEST(mapping.map(source + " (old)") == source + " (old)");
  BOOST_TEST(mapping.map("X=" + source + " (old)") == "X=" + source + " (old)");
}

BOOST_AUTO_TEST_CASE(the_source_s_own_name_may_hold_anything) {
  for (const std::string name : {"/w/c++ (1)/s", "/w/a.b*[c]$d^", "/w/a=b", "/w/ü b", "/w/-I"}) {
    const PathMapping odd({name}, "/snap");
    BOOST_TEST(odd.map("--x=" + name + "/y") == "--x=/snap/y");
    BOOST_TEST(odd.map(name + "z") == name + "z");
  }
  const PathMapping everything({"/"}, "/snap");
  BOOST_TEST(everything.map("/bin/sh") == "/bin/sh");
}

BOOST_AUTO_TEST_CASE(build_trees_and_roots_stay) {
  for (const std::string& text : {source + "/build/bin/tool", "--x=" + source + "/build",
                                  snapshot + "/tool", source + "/tool/../build/x"}) {
    BOOST_TEST(mapping.map(text) == text);
  }
}

BOOST_AUTO_TEST_CASE(what_leaves_the_source_stays) {
  for (const std::string& text :
       {source + "/..", source + "/../shared", source + "/tool/../../x"}) {
    BOOST_TEST(mapping.map(text) == text);
  }
}

BOOST_AUTO_TEST_CASE(detours_lead_to_the_same_place) {
  BOOST_TEST(mapping.map(source + "/build/../tool/a") == snapshot + "/tool/a");
  BOOST_TEST(mapping.map(source + "//tool/./a") == snapshot + "//tool/./a");
  const PathMapping plain({"/w/src/"}, "/snap");
  for (const char* path : {"/w/build/../src/x", "/w//src/x", "/w/./src/x"}) {
    BOOST_TEST(plain.map(path) == "/snap/x");
  }
  BOOST_TEST(plain.map("//w/src/x") == "//snap/x");
  for (const char* path : {"/w/src/../src/x", "/w/src/a/../../src/x", "/w/src/../../w/src/x"}) {
    BOOST_TEST(plain.map(path) == "/snap/x");
  }
  BOOST_TEST(plain.map("/w/src/../build/x") == "/w/src/../build/x");
  fs::create_directories(top + "/elsewhere/inner");
  fs::create_symlink(top + "/elsewhere/inner", source + "/link");
  fs::create_directories(top + "/elsewhere/tool");
  BOOST_TEST(mapping.map(source + "/link/../tool") == source + "/link/../tool");
}

BOOST_AUTO_TEST_CASE(what_exists_only_in_the_source_stays) {
  BOOST_TEST(mapping.map(source + "/venv/bin") == source + "/venv/bin");
  BOOST_TEST(mapping.map("--with=" + source + "/venv/bin,x") == "--with=" + source + "/venv/bin,x");
  BOOST_TEST(mapping.map_variable("PATH=" + source + "/venv/bin:" + source + "/tool:/bin") ==
             "PATH=" + source + "/venv/bin:" + snapshot + "/tool:/bin");
  BOOST_TEST(mapping.map_variable("OUT=" + source + "/new.txt") == "OUT=" + snapshot + "/new.txt");
  BOOST_TEST(mapping.map_variable(source + "=x") == source + "=x"); // the name
  BOOST_TEST(mapping.map_variable("X") == "X");
  BOOST_TEST(mapping.map_variable("") == "");
}

BOOST_AUTO_TEST_CASE(only_in_source_names_what_the_snapshot_lacks) {
  BOOST_TEST(mapping.only_in_source(source + "/tool/../venv/./bin").value_or("-") == "venv/bin");
  for (const std::string& path : {source, source + "/tool", source + "/new", source + "/build/bin",
                                  source + "/../x", std::string("/bin/sh"), std::string("sh")}) {
    BOOST_TEST(mapping.only_in_source(path).value_or("-") == "-");
  }
  std::ofstream(source + "/CMakeCache.txt"); // what is untracked may be what the build made
  BOOST_TEST(mapping.only_in_source(source + "/venv/bin").value_or("-") == "-");
}

BOOST_AUTO_TEST_CASE(long_texts_are_looked_at_a_path_at_a_time) {
  for (const std::string part : {"'(/a", "=/.", "=//", "(/../a", "x=/y!", "'/"}) {
    std::string text;
    while (text.size() < 100'000) { // a minute each, were the rest looked at from each slash
      text += part;
    }
    BOOST_TEST((mapping.map(text + " " + source + "/new") == text + " " + snapshot + "/new"));
  }
}

BOOST_AUTO_TEST_CASE(the_longest_name_of_the_source_wins) {
  const PathMapping both({"/s", "/s/inner"}, "/snap");
  BOOST_TEST(both.map("/s/inner/x") == "/snap/x");
  BOOST_TEST(both.map("/s/x") == "/snap/x");
}

BOOST_AUTO_TEST_SUITE_END()
