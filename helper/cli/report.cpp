#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/tree_arguments.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "page/page.hpp"

namespace snapfix::cli {

int report(const std::vector<std::string>& arguments) {
  Arguments options(
      "report",
      "Writes one HTML page, and its JSON beside it, on the last ctest run in a root: what\n"
      "failed and why, what each test took, changed and left. Prints the page's path.",
      {});
  add_root_option(options);
  options.add_value("output,o", "FILE.html",
                    "the page, which is replaced; default: snapshots.html in the current folder");
  options.add_flag("json", "print the JSON, and write nothing");
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto root = snapshot::Root::open(root_path(options)); // says what is missing
  const auto night = page::collect_night(root.path(), std::nullopt);
  if (options.flag("json")) {
    os::print("{}", page::json_of(night));
    return k_done;
  }
  const auto path = os::absolute_path(options.value("output").value_or("snapshots.html"));
  page::write_page(night, path);
  os::print("{}\n", path);
  return k_done;
}

} // namespace snapfix::cli
