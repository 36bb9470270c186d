#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/pasteable.hpp"
#include "cli/report.hpp"
#include "cli/source_writes.hpp"
#include "cli/table.hpp"
#include "cli/tree_arguments.hpp"
#include "os/format.hpp"
#include "snapshot/manage.hpp"

namespace snapfix::cli {
namespace {

using nlohmann::json;

constexpr std::size_t k_short_id = 12;

std::string end_of(const json& run) {
  if (run.is_null()) {
    return "-";
  }
  if (run["ended"].is_null()) {
    return "running or killed";
  }
  return run["signal"].is_null() ? os::format("exit {}", run["status"].get<int>())
                                 : os::format("signal {}", run["signal"].get<int>());
}

std::uint64_t count(const json& counts, const char* key) {
  return counts.is_null() ? 0 : counts.value(key, std::uint64_t{0});
}

std::vector<std::string> row_of(const json& snapshot) {
  const json& now = snapshot["now"];
  const auto files = [&](std::uint64_t number) {
    return now.is_null() ? std::string("-") : std::to_string(number);
  };
  const auto bytes = [&](std::uint64_t number) {
    return now.is_null() ? std::string("-") : human_bytes(number);
  };
  return {on_one_line(snapshot["name"].get<std::string>()),
          snapshot["base"].get<std::string>().substr(0, k_short_id),
          snapshot["created"].get<std::string>(),
          files(count(now, "shared")),
          bytes(count(now, "bytes_shared")),
          files(count(now, "private") + count(now, "added")),
          bytes(count(now, "bytes_private") + count(now, "bytes_added")),
          end_of(snapshot["run"])};
}

void print_now(const json& now) {
  if (now.is_null()) {
    os::print("now        -\n");
    return;
  }
  os::print("now        {} files shared, {}\n", count(now, "shared"),
            human_bytes(count(now, "bytes_shared")));
  os::print("           {} files private, {}\n", count(now, "private"),
            human_bytes(count(now, "bytes_private")));
  os::print("           {} files added, {}\n", count(now, "added"),
            human_bytes(count(now, "bytes_added")));
  os::print("           {} files missing\n", count(now, "missing"));
}

void note_oddities(const json& snapshot) {
  const auto name = os::quoted(snapshot["name"].get<std::string>());
  if (const auto unread = count(snapshot["now"], "unread"); unread != 0) {
    os::note(os::format("{} folders of {} may not be looked into: what they hold is not counted",
                        unread, name));
  }
  if (snapshot["update"] == "unfinished") {
    os::note(os::format("an update of {} was cut short: 'snapfix create {} --update' ends it", name,
                        snapshot["name"].get<std::string>()));
  }
}

void print_ledger(const json& ledger) {
  os::print("made       {} files linked, {} shared\n", count(ledger, "linked"),
            human_bytes(count(ledger, "bytes_shared")));
  os::print("           {} files reflinked\n", count(ledger, "reflinked"));
  os::print("           {} files copied, {}\n", count(ledger, "copied"),
            human_bytes(count(ledger, "bytes_copied")));
  for (const auto& [reason, files] : ledger.at("copied_by_reason").items()) {
    os::print("           {} because of {}\n", files.get<std::uint64_t>(), reason);
  }
  os::print("           {} entries ({} folders, {} symlinks)\n", count(ledger, "entries"),
            count(ledger, "folders"), count(ledger, "symlinks"));
  os::print("           in {:.3f} s\n", ledger.value("seconds", 0.0));
}

void print_run(const json& snapshot, const std::string& root) {
  const json& run = snapshot["run"];
  if (run.is_null()) {
    os::print("run        -\n");
    return;
  }
  os::print("run        {} to {} on {}: {}\n", run.value("started", "?"),
            run["ended"].is_null() ? "?" : run["ended"].get<std::string>(), run.value("host", "?"),
            end_of(run));
  if (run.contains("changes") && !run["changes"].is_null()) {
    const json& changes = run["changes"];
    os::print("           left {} files private ({}), {} missing, {} added\n",
              count(changes, "private"), human_bytes(count(changes, "bytes_private")),
              count(changes, "missing"), count(changes, "added"));
  }
  for (const auto& line : guard_lines(run)) {
    os::print("{}\n", line);
  }
  for (const auto& line : source_lines(run)) {
    os::print("{}\n", line);
  }
  os::print("command    to paste: it runs guarded, in the snapshot as it stands\n");
  for (const auto& line : command_lines(snapshot, root)) {
    os::print("  {}\n", line);
  }
}

} // namespace

int list(const std::vector<std::string>& arguments) {
  Arguments options(
      "list",
      "Lists the snapshots of a root: which there are, what each shares, and what is its\n"
      "own (private or added).",
      {});
  add_root_option(options);
  options.add_flag("json", "print a report");
  if (!options.parse(arguments)) {
    return k_done;
  }
  const std::string path = root_path(options);
  const bool exists = snapshot::Root::exists(path);
  const json listed =
      exists ? snapshot::list(snapshot::Root::open(path))
             : json{{"root", path}, {"snapshots", json::array()}, {"damaged", json::array()}};
  if (!exists) {
    os::note(os::format("there is no root at {}: --root names another", os::quoted(path)));
  }
  for (const auto& snapshot : listed["snapshots"]) {
    note_oddities(snapshot);
  }
  for (const auto& folder : listed["damaged"]) {
    os::warn(os::format("the manifest of the snapshot in {} is damaged, or its folder was replaced",
                        os::quoted(folder.get<std::string>())));
  }
  if (options.flag("json")) {
    print_json(listed);
    return k_done;
  }
  using enum Table::Align;
  Table table({left, left, left, right, right, right, right, left});
  table.add({"name", "base", "created", "shared", "bytes", "own", "bytes", "last run"});
  for (const auto& snapshot : listed["snapshots"]) {
    table.add(row_of(snapshot));
  }
  table.print();
  return k_done;
}

int show(const std::vector<std::string>& arguments) {
  Arguments options("show", "Shows everything that is recorded of a snapshot.", {"NAME", 1, 1});
  add_name_option(options);
  add_root_option(options);
  options.add_flag("json", "print a report");
  if (!options.parse(arguments)) {
    return k_done;
  }
  const auto root = snapshot::Root::open(root_path(options));
  const json shown = snapshot::describe(root, options.words()[0]);
  note_oddities(shown);
  if (options.flag("json")) {
    print_json(shown);
    return k_done;
  }
  os::print("name       {}\npath       {}\nsource     {}\nbase       {}\ncreated    {}\n",
            on_one_line(shown["name"].get<std::string>()),
            on_one_line(shown["path"].get<std::string>()),
            on_one_line(shown["source"].get<std::string>()), shown["base"].get<std::string>(),
            shown["created"].get<std::string>());
  os::print("options    {}\n", shown["options"].dump());
  print_ledger(shown["ledger"]);
  print_now(shown["now"]);
  print_run(shown, root.path());
  return k_done;
}

} // namespace snapfix::cli
