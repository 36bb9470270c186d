#include "source/git_config.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

namespace source = snapfix::source;

namespace {

std::string carried(const std::vector<source::GitSetting>& settings) {
  const auto nothing = source::snapshot_config({}, {});
  const auto all =
      source::snapshot_config(settings, [](const std::string& path) { return "<" + path + ">"; });
  BOOST_TEST_REQUIRE(all.starts_with(nothing));
  return all.substr(nothing.size());
}

} // namespace

BOOST_AUTO_TEST_SUITE(git_config)

BOOST_AUTO_TEST_CASE(urls_lose_what_may_be_secret) {
  const std::vector<std::pair<std::string, std::string>> k_urls{
      {"https://example.org/x.git", "https://example.org/x.git"},
      {"https://me:secret@example.org/x.git", "https://example.org/x.git"},
      {"https://token@example.org", "https://example.org"},
      {"https://a:b@c@example.org/x@y", "https://example.org/x@y"},
      {"https://example.org/x?token=1#2", "https://example.org/x"},
      {"https://example.org", "https://example.org"},
      {"ssh://git@example.org:22/x", "ssh://git@example.org:22/x"},
      {"ssh://git:secret@example.org/x", "ssh://git@example.org/x"},
      {"git+ssh://git:secret@example.org/x", "git+ssh://git@example.org/x"},
      {"git@example.org:x.git", "git@example.org:x.git"},
      {"ftp://me:secret@example.org/x", "ftp://example.org/x"},
      {"ftp://example.org/x?token=secret", "ftp://example.org/x"},
      {"https://me:sec/ret@example.org/x", "https://example.org/x"},
      {"https://example.org:8080/@scope/x", "https://example.org:8080/@scope/x"},
      {"https://me:sec/ret", "https://"},
      {"/a/path", "/a/path"},
      {"https://", "https://"},
      {"://@", "://"},
      {"", ""},
  };
  for (const auto& [url, expected] : k_urls) {
    BOOST_TEST(source::without_credentials(url) == expected);
  }
}

BOOST_AUTO_TEST_CASE(paths_are_told_from_hosts) {
  BOOST_TEST(source::local_path_of("/a/b").value() == "/a/b");
  BOOST_TEST(source::local_path_of("../b").value() == "../b");
  BOOST_TEST(source::local_path_of("./a:b").value() == "./a:b");
  BOOST_TEST(source::local_path_of("name").value() == "name");
  BOOST_TEST(source::local_path_of("file:///a").value() == "/a");
  BOOST_TEST(source::local_path_of("file:///a%20b%2").value() == "/a b%2");
  BOOST_TEST(!source::local_path_of("host:path"));
  BOOST_TEST(!source::local_path_of("me@host:/path"));
  BOOST_TEST(!source::local_path_of("https://host/path"));
}

BOOST_AUTO_TEST_CASE(a_list_is_read) {
  std::vector<std::string> origins;
  const std::string listed(
      "file:/x/config\0a.b\nvalue\nof two\0file:/x/more\0c.D.e\0file:/x/config\0f.g\n\0", 71);
  const auto settings = source::parse_git_settings(listed, origins);
  BOOST_TEST_REQUIRE(settings.size() == 3);
  BOOST_TEST(settings[0].key == "a.b");
  BOOST_TEST(settings[0].value.value() == "value\nof two");
  BOOST_TEST(settings[1].key == "c.D.e");
  BOOST_TEST(!settings[1].value);
  BOOST_TEST(settings[2].value.value().empty());
  BOOST_TEST(origins == (std::vector<std::string>{"/x/config", "/x/more"}));
}

BOOST_AUTO_TEST_CASE(only_what_is_known_is_carried) {
  BOOST_TEST(carried({{"core.hookspath", "x"},
                      {"core.worktree", "x"},
                      {"core.fsmonitor", "x"},
                      {"credential.helper", "x"},
                      {"filter.f.clean", "x"},
                      {"diff.external", "x"},
                      {"diff.d.command", "x"},
                      {"merge.m.driver", "x"},
                      {"include.path", "x"},
                      {"http.extraheader", "x"},
                      {"url.x.insteadof", "y"},
                      {"remote.o.uploadpack", "x"},
                      {"remote.o.url", "ext::sh -c x"},
                      {"submodule.s.update", "!x"},
                      {"pull.twohead", "x"},
                      {"user.signingkey", "x"},
                      {"extensions.refstorage", "reftable"},
                      {"section", "x"},
                      {"", "x"}}) == "");
  BOOST_TEST(carried({{"core.autocrlf", "input"},
                      {"core.symlinks", std::nullopt},
                      {"remote.o.url", "../x"},
                      {"remote.o.fetch", "+a:b"},
                      {"branch.a.b.remote", "o"},
                      {"branch.c.remote", "."},
                      {"branch.d.remote", "https://x@y/z"}}) ==
             "[core]\n\tautocrlf = \"input\"\n\tsymlinks\n"
             "[remote \"o\"]\n\turl = \"<../x>\"\n\tfetch = \"+a:b\"\n"
             "[branch \"a.b\"]\n\tremote = \"o\"\n[branch \"c\"]\n\tremote = \".\"\n"
             "[branch \"d\"]\n\tremote = \"https://y/z\"\n");
}

BOOST_AUTO_TEST_CASE(extensions_want_the_newer_format) {
  BOOST_TEST(source::snapshot_config({}, {}).find("repositoryformatversion = \"0\"") !=
             std::string::npos);
  BOOST_TEST(source::snapshot_config({{"extensions.objectformat", "sha256"}}, {})
                 .find("repositoryformatversion = \"1\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(values_are_quoted) {
  BOOST_TEST(carried({{"user.name", "a \"b\" \\ c;#\n\t\b"}}) ==
             "[user]\n\tname = \"a \\\"b\\\" \\\\ c;#\\n\\t\\b\"\n");
  BOOST_TEST(carried({{"branch.a\"\\b.merge", "x"}}) ==
             "[branch \"a\\\"\\\\b\"]\n\tmerge = \"x\"\n");
}

BOOST_AUTO_TEST_SUITE_END()
