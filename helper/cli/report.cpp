#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/tree_arguments.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/time_text.hpp"
#include "page/page.hpp"

namespace snapfix::cli {
namespace {

std::optional<std::string> day_from(const Arguments& options) {
  constexpr std::size_t k_length_of_a_day = 10;
  auto out = options.value("night");
  if (out && (out->size() != k_length_of_a_day || !os::time_from(*out))) {
    options.fail(os::format("--night {} is no day", os::quoted(*out)), "as in 2026-01-31");
  }
  return out;
}

} // namespace

int report(const std::vector<std::string>& arguments) {
  Arguments options(
      "report",
      "Writes one HTML page, and its JSON beside it, on the last ctest run in a root: what\n"
      "failed and why, what each test took, changed and left. Prints the page's path.",
      {});
  add_root_option(options);
  options.add_value("output,o", "FILE.html",
                    "the page, which is replaced; default: snapshots.html in the current folder; "
                    "- prints it");
  options.add_value("night", "DATE",
                    "of the last run on that day, as in 2026-01-31, by your clock");
  options.add_flag("json", "print the JSON, and write nothing");
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto root = snapshot::Root::open(root_path(options)); // says what is missing
  const auto day = day_from(options);
  const auto night = day ? page::collect_night_of(root.path(), *day)
                         : page::collect_night(root.path(), std::nullopt);
  for (const auto& warning : night.warnings) {
    os::warn(warning);
  }
  if (options.flag("json")) {
    os::print("{}", page::json_of(night));
    return k_done;
  }
  const auto output = options.value("output").value_or("snapshots.html");
  if (output == "-") {
    os::print("{}", page::page_of(night));
    return k_done;
  }
  const auto path = os::absolute_path(output);
  page::write_page(night, path);
  os::print("{}\n", path);
  return k_done;
}

} // namespace snapfix::cli
