#include "job/secrets.hpp"

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace snapfix::job;

BOOST_AUTO_TEST_SUITE(secrets)

BOOST_AUTO_TEST_CASE(names) {
  for (const char* name : {"GITHUB_TOKEN", "--api-key", "AWS_SECRET_ACCESS_KEY", "Password",
                           "x.passwd", "CREDENTIALS"}) {
    BOOST_TEST(is_secret_name(name), name);
  }
  for (const char* name : {"", "HOME", "PATH", "--pass", "MODE"}) {
    BOOST_TEST(!is_secret_name(name), name);
  }
}

BOOST_AUTO_TEST_CASE(values_are_left_out) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", ""},
      {"a=b", "a=b"},
      {"TOKEN=x", "TOKEN=@LEFT_OUT@"},
      {"TOKEN=", "TOKEN="},
      {"A=1 TOKEN=x B=2", "A=1 TOKEN=@LEFT_OUT@ B=2"},
      {"--api-key=x;--y", "--api-key=@LEFT_OUT@;--y"},
      {"KEY='a b' c", "KEY=@LEFT_OUT@ c"},
      {"KEY=\"a b", "KEY=@LEFT_OUT@"},
      {"KEY==x", "KEY=@LEFT_OUT@"},
      {"KEY=a KEY=b", "KEY=@LEFT_OUT@ KEY=@LEFT_OUT@"},
      {"https://u:p@h/x@y", "https://@LEFT_OUT@@h/x@y"},
      {"https://h/x@y", "https://h/x@y"},
      {"a://b c://d:e@f", "a://b c://@LEFT_OUT@@f"},
      {"://", "://"},
  };
  for (const auto& [text, expected] : cases) {
    BOOST_TEST(without_secrets(text) == expected);
    BOOST_TEST(without_secrets(without_secrets(text)) == expected);
  }
}

BOOST_AUTO_TEST_CASE(a_value_may_be_the_next_word) {
  const std::vector<std::string> words{"x", "--password", "p", "--token", "--y", "z"};
  const std::vector<std::string> expected{"x", "--password", "@LEFT_OUT@", "--token", "--y", "z"};
  BOOST_TEST(without_secrets(words) == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(places) {
  const Places places{{"/h/me/src", "@S@"}, {"/h/me", "@H@"}};
  for (const auto& [text, expected] :
       std::vector<std::pair<std::string, std::string>>{{"/h/me/src/a:/h/me/b", "@S@/a:@H@/b"},
                                                        {"/h/me2 /h/me", "/h/me2 @H@"},
                                                        {"-I/h/me/src", "-I@S@"},
                                                        {"/h/me/src2", "@H@/src2"}}) {
    BOOST_TEST(with_places(text, places) == expected);
    BOOST_TEST(without_places(expected, places) == text);
  }
}

BOOST_AUTO_TEST_CASE(files) {
  for (const char* path : {".env", "a/.env.local", "x/id_rsa", "k.pem", "a/credentials.json"}) {
    BOOST_TEST(is_secret_file(path), path);
  }
  for (const char* path : {"env", "a/x.env", "keys.txt", "a.pem/b"}) {
    BOOST_TEST(!is_secret_file(path), path);
  }
}

BOOST_AUTO_TEST_SUITE_END()
