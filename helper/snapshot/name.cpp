#include "snapshot/name.hpp"

#include "os/error.hpp"

#include <boost/uuid/name_generator_sha1.hpp>
#include <boost/uuid/string_generator.hpp>
#include <boost/uuid/uuid_io.hpp>

#include <algorithm>
#include <string_view>

namespace snapfix::snapshot {
namespace {

constexpr std::size_t k_longest_plain_name = 100;
constexpr std::size_t k_readable_part = 60;
constexpr std::size_t k_digits = 16;
constexpr const char* k_namespace = "7d3c5f0e-2b1a-5c8e-9f64-3a1b0c9d8e7f";

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("._+=@-").find(c) != std::string_view::npos;
}

bool may_begin(char c) {
  return is_plain(c) && std::string_view(".+=@-").find(c) == std::string_view::npos;
}

} // namespace

std::string folder_of_name(const std::string& name) {
  if (name.empty()) {
    throw os::Error("a snapshot needs a name");
  }
  if (name.size() <= k_longest_plain_name && may_begin(name[0]) &&
      std::ranges::all_of(name, is_plain)) {
    return name;
  }
  std::string readable = name.substr(0, k_readable_part);
  std::ranges::replace_if(
      readable, [](char c) { return !is_plain(c); }, '_');
  if (readable[0] == '.' || readable[0] == '-') {
    readable[0] = '_';
  }
  boost::uuids::name_generator_sha1 generate(boost::uuids::string_generator()(k_namespace));
  std::string digits = boost::uuids::to_string(generate(name));
  std::erase(digits, '-');
  return readable + "~" + digits.substr(0, k_digits);
}

} // namespace snapfix::snapshot
