#include "os/error.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/manifest_file.hpp"

#include <boost/filesystem.hpp>
#include <boost/test/unit_test.hpp>

#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace fs = boost::filesystem;
using namespace snapfix;
using snapshot::Base;
using snapshot::Bytes;
using snapshot::FileRecord;
using snapshot::FolderRecord;
using snapshot::ManifestKind;
using snapshot::Sections;

namespace {

using Buffer = std::vector<std::byte>;

constexpr std::size_t k_checksum_at = 16; // as manifest_file.cpp lays it out
constexpr std::size_t k_checked_from = k_checksum_at + sizeof(os::Hash);
constexpr std::size_t k_rounds = 500;

struct Fixture {
  Fixture() { fs::create_directories(path); }
  ~Fixture() { fs::remove_all(path); }

  os::Dir dir() const { return os::Dir::open(path); }

  Buffer base_bytes() const {
    snapshot::BaseWriter writer;
    FileRecord file{};
    file.mode = S_IFREG | 0644;
    FileRecord link{};
    link.mode = S_IFLNK | 0777;
    for (const char* folder : {"", "a", "a/b", "a/b/c", "a/d", "e"}) {
      writer.add_folder(folder, 0755, {1, 2});
      for (const char* name : {"one", "three", "two"}) {
        writer.add_file(name, file, "");
      }
      writer.add_file("xlink", link, "../somewhere");
    }
    const auto id = writer.id("key");
    writer.write(
        dir(), id,
        {"/s", snapfix::source::FileSet::tracked, {}, snapfix::snapshot::LinkFrom::store, "today"});
    return bytes_of_file(id.hex());
  }

  Buffer bytes_of_file(const std::string& name) const {
    const auto file = os::MappedFile::open(dir(), name.c_str());
    return {file.bytes().begin(), file.bytes().end()};
  }

  std::string path = (fs::temp_directory_path() / fs::unique_path("snapfix-%%%%%%%%")).string();
};

/// As somebody would do it who knows how.
void set_checksum(Buffer& bytes) {
  os::Hasher hasher;
  hasher.add(Bytes(bytes).subspan(k_checked_from));
  const os::Hash checksum = hasher.finish();
  std::memcpy(&bytes[k_checksum_at], &checksum, sizeof checksum);
}

/// Flips bits or puts numbers that are likely to hurt; sometimes cuts the file.
void damage(Buffer& bytes, std::mt19937& random) {
  const auto any = [&](std::size_t below) { return random() % below; };
  for (std::size_t i = 1 + any(4); i-- > 0;) {
    const std::size_t at = k_checked_from + any(bytes.size() - k_checked_from - 8);
    const std::uint64_t evil[] = {
        0,      1, bytes.size(), 0x7FFF'FFFF, 0xFFFF'FFFF, ~std::uint64_t{0}, ~std::uint64_t{6},
        any(64)};
    const std::uint64_t number = evil[any(std::size(evil))];
    switch (any(4)) {
    case 0:
      bytes[at] ^= static_cast<std::byte>(1U << any(8));
      break;
    case 1:
      std::memcpy(&bytes[at / 8 * 8], &number, 8);
      break;
    case 2:
      std::memcpy(&bytes[at / 4 * 4], &number, 4);
      break;
    default:
      bytes[at] = static_cast<std::byte>("/.\0\"}9"[any(6)]);
    }
  }
  if (any(20) == 0) {
    bytes.resize(k_checked_from + 8 + any(bytes.size() - k_checked_from - 8));
  }
  set_checksum(bytes);
}

/// Goes through a base as those do who use it.
void use(const Base& base, const Buffer& bytes) {
  const auto is_inside = [&](const char* text) {
    const auto* begin = reinterpret_cast<const char*>(bytes.data()); // NOLINT(*-reinterpret-cast)
    return text >= begin && text + std::strlen(text) < begin + bytes.size();
  };
  const auto check_name = [&](const char* name) {
    BOOST_REQUIRE(is_inside(name));
    const std::string_view text = name;
    BOOST_REQUIRE((!text.empty() && text != "." && text != ".."));
    BOOST_REQUIRE(text.find('/') == std::string_view::npos);
  };
  BOOST_REQUIRE(!base.folders().empty());
  BOOST_REQUIRE(children_of_folders(base).size() == base.folders().size());
  std::size_t files = 0;
  for (std::size_t i = 0; i < base.folders().size(); ++i) {
    const FolderRecord& folder = base.folders()[i];
    BOOST_REQUIRE((folder.parent < i || i == 0));
    BOOST_REQUIRE(is_inside(base.text(folder.path)));
    if (i == 0) {
      BOOST_REQUIRE(*base.text(folder.path) == '\0');
    } else {
      check_name(base.text(folder.name));
      const std::string above = base.text(base.folders()[folder.parent].path);
      BOOST_REQUIRE(base.text(folder.path) ==
                    (above.empty() ? above : above + "/") + base.text(folder.name));
    }
    BOOST_REQUIRE(folder.first_file == files);
    files += folder.file_count;
    BOOST_REQUIRE(files <= base.files().size());
    for (const FileRecord& file : base.files_of(folder)) {
      check_name(base.text(file.name));
      BOOST_REQUIRE(base.find_in(folder, base.text(file.name)).has_value());
      BOOST_REQUIRE((!file.is_symlink() || is_inside(base.text(file.target))));
      BOOST_REQUIRE(!base.path_of(folder, file).empty());
    }
  }
  BOOST_REQUIRE(files == base.files().size());
  for (std::size_t i = 0; i < files; ++i) {
    const FolderRecord& folder = base.folder_of(i);
    BOOST_REQUIRE((folder.first_file <= i && i - folder.first_file < folder.file_count));
  }
}

/// The bytes of the manifest with one of its sections replaced, and a right checksum.
template<typename Record>
Buffer with(const Buffer& bytes, std::size_t section,
            const std::function<void(std::vector<Record>&)>& change) {
  const auto parts = parse_manifest(bytes, ManifestKind::base);
  BOOST_REQUIRE(parts.has_value());
  const auto records = snapshot::records_in<Record>(parts->sections[section]);
  BOOST_REQUIRE(records.has_value());
  std::vector<Record> changed(records->begin(), records->end());
  change(changed);
  Sections sections = parts->sections;
  sections[section] = snapshot::bytes_of(changed);
  return assemble_manifest(ManifestKind::base, parts->base, sections);
}

} // namespace

BOOST_FIXTURE_TEST_SUITE(damaged_manifest, Fixture)

BOOST_AUTO_TEST_CASE(a_base_is_absent_or_sound_whatever_its_bytes_are) {
  const Buffer whole = base_bytes();
  BOOST_REQUIRE(Base::parse(whole).has_value());
  std::size_t taken = 0;
  for (unsigned seed = 0; seed < k_rounds; ++seed) {
    std::mt19937 random(seed);
    Buffer bytes = whole;
    damage(bytes, random);
    if (const auto base = Base::parse(bytes)) {
      BOOST_TEST_CONTEXT("seed " << seed) {
        use(*base, bytes);
      }
      ++taken;
    }
  }
  // Times, sizes, hashes and many letters may be any: both kinds must have been met.
  BOOST_TEST(taken > k_rounds / 10);
  BOOST_TEST(taken < k_rounds * 9 / 10);
}

BOOST_AUTO_TEST_CASE(each_thing_that_could_hurt_is_refused) {
  const Buffer whole = base_bytes();
  const auto folders = [&](auto change) {
    return with<FolderRecord>(whole, 1, [&](auto& records) { change(records); });
  };
  const auto files = [&](auto change) {
    return with<FileRecord>(whole, 2, [&](auto& records) { change(records); });
  };
  const auto texts = [&](auto change) {
    return with<char>(whole, 3, [&](auto& records) { change(records); });
  };
  constexpr auto k_most = std::numeric_limits<std::uint32_t>::max();
  BOOST_TEST(Base::parse(folders([](auto&) {})).has_value());
  for (const Buffer& bytes : {
           folders([](auto& all) { all.clear(); }),
           folders([](auto& all) { all[0].parent = 1; }),
           folders([](auto& all) { all[2].parent = 2; }),
           folders([](auto& all) { all[2].parent = k_most; }),
           folders([](auto& all) { all[3].parent = 1; }), // its path says a/b
           folders([](auto& all) { std::swap(all[3], all[4]); }),
           folders([](auto& all) { all[1].path = k_most; }),
           folders([](auto& all) { all[1].name = k_most; }),
           folders([](auto& all) { all[1].name += 1; }),
           folders([](auto& all) { all[1].first_file = k_most; }),
           folders([](auto& all) { all[1].file_count = k_most; }),
           folders([](auto& all) { all[5].file_count -= 1; }), // a file that is in no folder
           folders([](auto& all) { all[5].file_count += 1; }),
           folders([](auto& all) { all[1].permissions = 010000; }),
           folders([](auto& all) { all[1].mtime_nanoseconds = 1'000'000'000; }),
           files([](auto& all) { all.clear(); }),
           files([](auto& all) { all.pop_back(); }),
           files([](auto& all) { all[1].name = k_most; }),
           files([](auto& all) { all[3].target = k_most; }),
           files([](auto& all) { all[1].name = all[0].name; }), // twice
           files([](auto& all) { std::swap(all[0], all[1]); }), // find() would miss it
           files([](auto& all) { all[0].mode = S_IFDIR | 0755; }),
           files([](auto& all) { all[0].mtime_nanoseconds = k_most; }),
           texts([](auto& all) { all.clear(); }),
           texts([](auto& all) { all.back() = 'x'; }),
       }) {
    BOOST_TEST(!Base::parse(bytes).has_value());
  }
  for (const std::string name : {"", ".", "..", "a/b", "../x", "/"}) {
    const Buffer bytes = with<char>(whole, 3, [&](auto& all) {
      const std::string one("one");
      const auto at = std::search(all.begin(), all.end(), one.begin(), one.end());
      BOOST_REQUIRE(at != all.end());
      std::fill_n(std::copy(name.begin(), name.end(), at), 4 - name.size(), '\0');
    });
    BOOST_TEST(!Base::parse(bytes).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_meta_that_lacks_something_or_has_another_type_is_damage) {
  const auto with_meta = [&](const std::string& text) {
    return with<char>(base_bytes(), 0, [&](auto& all) { all.assign(text.begin(), text.end()); });
  };
  const std::string good =
      R"({"source":"/s","files":"all","include":[],"link_from":"store","created":"x"})";
  BOOST_TEST(Base::parse(with_meta(good)).has_value());
  for (const char* bad :
       {"", "null", "[]", "{", R"({"source":"/s"})", "\xff",
        R"({"source":1,"files":"all","include":[],"link_from":"store","created":"x"})",
        R"({"source":"/s","files":"all","include":[1],"link_from":"store","created":"x"})"}) {
    BOOST_TEST(!Base::parse(with_meta(bad)).has_value());
  }
}

BOOST_AUTO_TEST_CASE(a_snapshot_manifest_is_absent_or_sound) {
  snapshot::SnapshotManifest manifest;
  manifest.meta.name = "name";
  manifest.meta.options.copy = {"*.lock"};
  manifest.meta.ledger.copied_by_reason = {{"EXDEV", 1}};
  manifest.made = {snapshot::Made::linked, snapshot::Made::copied_exdev, snapshot::Made::symlink};
  manifest.inodes = {5, 6, 0};
  manifest.prepare(dir(), "t").commit();
  const Buffer whole = bytes_of_file("t");
  std::size_t taken = 0;
  for (unsigned seed = 0; seed < k_rounds; ++seed) {
    std::mt19937 random(seed);
    Buffer bytes = whole;
    damage(bytes, random);
    if (const auto read = snapshot::SnapshotManifest::parse(bytes)) {
      BOOST_REQUIRE(read->made.size() == read->inodes.size());
      for (const auto made : read->made) {
        BOOST_REQUIRE(made <= snapshot::Made::excluded);
      }
      ++taken;
    }
  }
  BOOST_TEST(taken > 0U);
  BOOST_TEST(taken < k_rounds);
}

BOOST_AUTO_TEST_CASE(a_freeze_record_is_absent_or_whole) {
  snapshot::FreezeRecord::write(dir(), {1, 2}, {3, 4}, std::vector<snapshot::SeenFile>(7));
  const Buffer whole = bytes_of_file(os::Hash{1, 2}.hex());
  BOOST_TEST(snapshot::FreezeRecord::parse(whole)->seen().size() == 7U);
  for (unsigned seed = 0; seed < k_rounds; ++seed) {
    std::mt19937 random(seed);
    Buffer bytes = whole;
    damage(bytes, random);
    if (const auto read = snapshot::FreezeRecord::parse(bytes)) {
      BOOST_REQUIRE(read->seen().size_bytes() <= bytes.size());
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_file_counts_as_absent) {
  const auto id = os::Hash{1, 2};
  fs::create_directories(path + "/" + id.hex());
  BOOST_TEST(!Base::load(dir(), id).has_value());
  fs::create_symlink("/dev/zero", path + "/t");
  BOOST_TEST(!snapshot::SnapshotManifest::load(dir(), "t").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
