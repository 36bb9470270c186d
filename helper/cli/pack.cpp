#include "job/pack.hpp"

#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/size_argument.hpp"
#include "cli/tree_arguments.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "os/path.hpp"

namespace snapfix::cli {

int pack(const std::vector<std::string>& arguments) {
  Arguments options(
      "pack",
      "Writes one file with what 'snapfix repro' needs to make the snapshot's layout\n"
      "elsewhere and to run its last command: the commit's id, the files that differ from\n"
      "it, options, command, versions; of the environment what the test sets (ENVIRONMENT) and\n"
      "--env names. Prints its path. record.json in it (tar --zstd -xOf FILE record.json) is for "
      "people to read.",
      {"NAME", 1, 1});
  add_name_option(options);
  add_root_option(options);
  options.add_value(
      "output,o", "FILE",
      "the file, which is replaced; default: NAME.pack.tar.zst in the current folder");
  options.add_list(
      "env", "NAME",
      "a variable of the run whose value goes along, unless it looks like a secret; may "
      "be repeated");
  options.add_value("max-size", "SIZE",
                    "how much the contents of files may have altogether, as 500k, 50M, 2G; larger "
                    "ones are left out, and named; default: 50M");
  add_wait_option(options);
  if (!options.parse(arguments)) {
    return k_done;
  }
  job::PackOptions wanted;
  wanted.environment = options.list("env");
  for (const auto& name : wanted.environment) {
    if (name.empty() || name.find('=') != std::string::npos) {
      options.fail(os::format("--env takes a name, not {}", os::quoted(name)),
                   "the value is that of the recorded run");
    }
  }
  wanted.max_size = size_from(options, "max-size", wanted.max_size);
  const auto patience = patience_from(options);
  const auto root = snapshot::Root::open(root_path(options));
  snapshot::Snapshot::require(root, options.words()[0]); // else its lock's file would be left
  const snapshot::Held held(root, options.words()[0], "snapfix pack", patience);
  const auto& snapshot = held.require();
  const auto path =
      os::absolute_path(options.value("output").value_or(job::pack_name(snapshot.folder())));
  job::pack(snapshot, wanted, path);
  os::print("{}\n", path);
  return k_done;
}

} // namespace snapfix::cli
