#include "guard/guarded_trees.hpp"

#include <boost/filesystem.hpp>
#include <boost/test/unit_test.hpp>

#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace fs = boost::filesystem;
using namespace snapfix::guard;

namespace {

struct Fixture {
  Fixture() { fs::create_directories(folder); }
  ~Fixture() { fs::remove_all(folder); }

  NamedFile open(const std::string& name) const {
    NamedFile out;
    out.file = snapfix::os::UniqueFd(::open((folder / name).c_str(), O_PATH | O_CLOEXEC));
    BOOST_REQUIRE(::fstat(out.file.get(), &out.stat) == 0);
    return out;
  }
  void make(const std::string& name) const {
    ::close(::open((folder / name).c_str(), O_WRONLY | O_CREAT | O_EXCL, 0600));
  }

  fs::path folder = fs::temp_directory_path() / fs::unique_path("snapfix-%%%%%%%%");
};

Protection listed(const NamedFile& file, std::int64_t later_by) {
  Protection out;
  out.device = file.stat.st_dev;
  out.inodes = {file.stat.st_ino};
  out.listed_seconds = file.stat.st_ctim.tv_sec + later_by;
  return out;
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(guarded_trees, Fixture)

BOOST_AUTO_TEST_CASE(a_file_that_was_there_when_it_was_listed_is_shared) {
  make("a");
  GuardedTrees trees;
  trees.add(listed(open("a"), 10));
  BOOST_TEST(trees.contain(open("a")));
  make("b");
  BOOST_TEST(!trees.contain(open("b")));
  BOOST_TEST(trees.lie_beside(open("b")));
  BOOST_TEST(!trees.contain(open(".")));
}

BOOST_AUTO_TEST_CASE(a_younger_file_has_the_number_of_one_that_is_gone) {
  make("a");
  GuardedTrees trees;
  trees.add(listed(open("a"), -10));
  // A file system that keeps no time of birth gives no reason to doubt.
  struct statx stat {};
  BOOST_REQUIRE(::statx(AT_FDCWD, (folder / "a").c_str(), 0, STATX_BTIME, &stat) == 0);
  BOOST_TEST(trees.contain(open("a")) == ((stat.stx_mask & STATX_BTIME) == 0));
  // With more names than one it is an object, and the clock was set back.
  fs::create_hard_link(folder / "a", folder / "b");
  BOOST_TEST(trees.contain(open("a")));
}

BOOST_AUTO_TEST_SUITE_END()
