#include "snapshot/manifest.hpp"

#include <boost/filesystem.hpp>
#include <boost/test/unit_test.hpp>

#include <fstream>
#include <iterator>
#include <string>

namespace fs = boost::filesystem;
using namespace snapfix;
using snapshot::Base;
using snapshot::BaseWriter;
using snapshot::FileRecord;

namespace {

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

struct Fixture {
  Fixture() { fs::create_directories(path); }
  ~Fixture() { fs::remove_all(path); }

  static FileRecord file(std::uint64_t size, std::uint64_t content) {
    FileRecord out{};
    out.size = size;
    out.mode = S_IFREG | 0644;
    out.content = {content, 0};
    out.object = {content, 1};
    out.inode = 1000 + content;
    return out;
  }

  static snapshot::BaseMeta meta() {
    return {"/s", source::FileSet::tracked, {}, snapshot::LinkFrom::store, "today"};
  }

  /// top: a, l -> a; empty/; deep/er: b
  static BaseWriter example() {
    BaseWriter writer;
    writer.add_folder("", 0755, {1, 2});
    writer.add_file("a", file(3, 7), "");
    FileRecord link{};
    link.mode = S_IFLNK | 0777;
    link.size = 1;
    writer.add_file("l", link, "a");
    writer.add_folder("deep", 0700, {3, 4});
    writer.add_folder("deep/er", 0750, {5, 6});
    writer.add_file("b", file(9, 8), "");
    writer.add_folder("empty", 0711, {});
    return writer;
  }

  std::string path = (fs::temp_directory_path() / fs::unique_path("snapfix-%%%%%%%%")).string();
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(manifest, Fixture)

BOOST_AUTO_TEST_CASE(a_base_reads_back_as_it_was_written) {
  const auto dir = os::Dir::open(path);
  const auto writer = example();
  const auto id = writer.id("key");
  writer.write(dir, id, meta());
  const auto base = Base::load(dir, id);
  BOOST_REQUIRE(base);
  BOOST_TEST(base->meta().source == "/s");
  BOOST_TEST(base->folders().size() == 4U);
  BOOST_TEST(base->files().size() == 3U);
  BOOST_TEST(base->find("deep/er/b").value() == 2U);
  BOOST_TEST(!base->find("deep/b").has_value());
  const auto& deep = base->folder_of(2);
  BOOST_TEST(base->text(deep.path) == std::string("deep/er"));
  BOOST_TEST(base->text(deep.name) == std::string("er"));
  BOOST_TEST(deep.parent == 1U);
  BOOST_TEST(base->path_of(deep, base->files()[2]) == "deep/er/b");
  BOOST_TEST(base->text(base->files()[1].target) == std::string("a"));
  BOOST_TEST(base->text(base->folder_of(1).path) == std::string());
}

BOOST_AUTO_TEST_CASE(the_id_tells_states_apart) {
  const auto id = example().id("key");
  BOOST_TEST((id == example().id("key")));
  BOOST_TEST((id != example().id("other key")));
  const auto with = [](const char* name, FileRecord record, std::uint32_t mode) {
    BaseWriter writer;
    writer.add_folder("", mode, {});
    writer.add_file(name, record, "");
    return writer.id("key");
  };
  const auto plain = with("a", file(1, 1), 0755);
  auto later = file(1, 1);
  later.mtime_nanoseconds = 1;
  auto executable = file(1, 1);
  executable.mode |= 0111;
  auto elsewhere = file(1, 1);
  elsewhere.inode = 5;
  BOOST_TEST((plain != with("b", file(1, 1), 0755)));
  BOOST_TEST((plain != with("a", file(1, 2), 0755)));
  BOOST_TEST((plain != with("a", later, 0755)));
  BOOST_TEST((plain != with("a", executable, 0755)));
  BOOST_TEST((plain != with("a", file(1, 1), 0700)));
  BOOST_TEST((plain == with("a", elsewhere, 0755))); // where the object lies is no part of it
}

BOOST_AUTO_TEST_CASE(a_damaged_base_counts_as_absent) {
  const auto dir = os::Dir::open(path);
  const auto writer = example();
  const auto id = writer.id("key");
  writer.write(dir, id, meta());
  const std::string file = path + "/" + id.hex();
  const std::string whole = read(file);
  for (std::size_t at = 0; at < whole.size(); at += 5) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write(file, damaged);
    BOOST_TEST(!Base::load(dir, id).has_value());
    write(file, whole.substr(0, at));
    BOOST_TEST(!Base::load(dir, id).has_value());
  }
  write(file, whole);
  BOOST_TEST(Base::load(dir, id).has_value());
}

BOOST_AUTO_TEST_CASE(inodes_can_be_rewritten_without_another_id) {
  const auto dir = os::Dir::open(path);
  const auto writer = example();
  const auto id = writer.id("key");
  writer.write(dir, id, meta());
  const auto before = Base::load(dir, id);
  rewrite_inodes(dir, *before, {{2, 77}});
  const auto after = Base::load(dir, id);
  BOOST_TEST(after->files()[2].inode == 77U);
  BOOST_TEST(after->files()[0].inode == before->files()[0].inode);
  BOOST_TEST(after->meta().source == "/s");
  BOOST_TEST(before->files()[2].inode == 1008U); // whoever reads it still sees what it opened
}

BOOST_AUTO_TEST_CASE(a_snapshot_manifest_reads_back_as_it_was_written) {
  const auto dir = os::Dir::open(path);
  snapshot::SnapshotManifest manifest;
  manifest.base = {1, 2};
  manifest.meta.name = "n\xff"; // no UTF-8: must not throw
  manifest.made = {snapshot::Made::linked, snapshot::Made::copied_exdev, snapshot::Made::symlink};
  manifest.inodes = {5, 6, 0};
  manifest.prepare(dir, "folder").commit();
  const auto again = snapshot::SnapshotManifest::load(dir, "folder");
  BOOST_REQUIRE(again);
  BOOST_TEST((again->base == manifest.base));
  BOOST_TEST((again->made == manifest.made));
  BOOST_TEST(again->inodes == manifest.inodes, boost::test_tools::per_element());
  BOOST_TEST(!Base::load(dir, {1, 2}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()
