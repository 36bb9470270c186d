#include "cli/finish_arguments.hpp"

#include "os/format.hpp"
#include "os/path.hpp"
#include "os/split.hpp"
#include "source/glob.hpp"

#include <algorithm>
#include <charconv>
#include <limits>
#include <string>
#include <string_view>
#include <thread>

namespace snapfix::cli {
namespace {

constexpr std::uint64_t k_most_spares = std::numeric_limits<int>::max();
constexpr std::string_view k_say_success = "say-success";

void read_verdict(const Arguments& arguments, std::string_view text, snapshot::Verdict& out) {
  constexpr std::string_view k_skip = "skip=";
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    const auto word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word == "will-fail") {
      out.will_fail = true;
    } else if (word == "by-output") {
      out.by_output = true;
    } else if (word != k_say_success) {
      int code = 0;
      const char* last = word.data() + word.size();
      const bool is_skip = word.starts_with(k_skip);
      const auto read = std::from_chars(word.data() + (is_skip ? k_skip.size() : 0), last, code);
      if (!is_skip || read.ec != std::errc() || read.ptr != last || code < 0) {
        arguments.fail(
            os::format("--verdict takes will-fail, skip=N, by-output and say-success, not {}",
                       os::quoted(word)));
      }
      out.skip_return_code = code;
    }
  }
}

} // namespace

void add_finish_options(Arguments& arguments) {
  arguments.add_value(
      "keep", "WHEN",
      "never; on-failure: if the command failed, has no recorded end, or shared files "
      "were changed; always; default: on-failure");
  arguments.add_value_or_nothing(
      "verdict", "WORDS",
      "what ctest takes for a failure, separated by commas. will-fail: only an exit code other "
      "than 0 is success (WILL_FAIL); skip=N: that exit code is no failure (SKIP_RETURN_CODE); "
      "by-output: only ctest knows (FAIL_, PASS_, SKIP_REGULAR_EXPRESSION), and on-failure keeps; "
      "say-success: a last line says that the exit code was 0, which an expression can ask for");
  arguments.add_value(
      "spares", "N",
      "hand the tree on, instead of removing it, to the next snapshot that is made, "
      "while there are less than N such trees; default: as many as processors");
  arguments.add_value("pack", "DIR",
                      "pack a snapshot that is kept, as its command has not ended well, into this "
                      "folder, as 'snapfix pack' does; of another one no pack stays there");
  arguments.add_value_or_nothing("pack-env", "NAMES",
                                 "variables whose values go along, separated by commas");
}

snapshot::FinishOptions finish_options_from(const Arguments& arguments) {
  snapshot::FinishOptions out;
  out.keep = arguments.choice("keep", snapshot::Keep::on_failure);
  read_verdict(arguments, arguments.value("verdict").value_or(""), out.verdict);
  out.spares =
      arguments.number("spares", 0, k_most_spares).value_or(std::thread::hardware_concurrency());
  if (const auto folder = arguments.value("pack")) {
    out.pack_to = os::absolute_path(*folder);
  }
  out.pack_environment = pack_environment_from(arguments);
  return out;
}

bool says_success(const Arguments& arguments) {
  const auto words = os::split(arguments.value("verdict").value_or(""), ',');
  return std::ranges::find(words, k_say_success) != words.end();
}

std::vector<std::string> pack_environment_from(const Arguments& arguments) {
  auto out = os::split(arguments.value("pack-env").value_or(""), ',');
  std::erase(out, "");
  return out;
}

} // namespace snapfix::cli
