#include "cli/size_argument.hpp"

#include "os/format.hpp"

#include <array>
#include <charconv>
#include <string_view>

namespace snapfix::cli {

std::uint64_t size_from(const Arguments& arguments, const char* name, std::uint64_t otherwise) {
  constexpr std::string_view k_units = "kMG";
  constexpr std::array<std::uint64_t, 3> k_bytes{1000, 1'000'000, 1'000'000'000};
  constexpr std::uint64_t k_most = 1'000'000'000'000;
  const auto text = arguments.value(name);
  if (!text) {
    return otherwise;
  }
  std::uint64_t number = 0;
  const char* const last = text->data() + text->size();
  const auto [end, failed] = std::from_chars(text->data(), last, number);
  const auto unit = end + 1 == last ? k_units.find(*end) : std::string_view::npos;
  const auto factor = unit == std::string_view::npos ? 1 : k_bytes.at(unit);
  if (failed != std::errc() || (end != last && unit == std::string_view::npos) ||
      number > k_most / factor) {
    arguments.fail(os::format("--{} takes a number of bytes, not {}", name, os::quoted(*text)),
                   "as in 5000000, 500k, 50M, 2G");
  }
  return number * factor;
}

} // namespace snapfix::cli
