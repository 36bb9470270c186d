#include "cli/arguments.hpp"
#include "cli/cli.hpp"
#include "cli/json.hpp"
#include "cli/table.hpp"
#include "cli/tree_arguments.hpp"
#include "job/pasteable.hpp"
#include "job/report.hpp"
#include "job/source_writes.hpp"
#include "os/format.hpp"
#include "os/units.hpp"
#include "snapshot/manage.hpp"

namespace snapfix::cli {
namespace {

std::string end_of(const snapshot::Description& snapshot) {
  const auto& run = snapshot.run;
  if (!run) {
    return "-";
  }
  if (!run->end) {
    return snapshot.is_running ? "running" : "killed";
  }
  return run->end->signal == 0 ? os::format("exit {}", run->end->status)
                               : os::format("signal {}", run->end->signal);
}

std::string holders_of(const snapshot::Description& snapshot) {
  std::vector<std::string> out;
  for (const auto& hold : snapshot.holds) {
    out.push_back(to_text(hold));
  }
  return os::joined(out, ", ");
}

std::vector<std::string> row_of(const snapshot::Description& snapshot) {
  std::vector<std::string> out{on_one_line(snapshot.meta.name), snapshot.base.short_hex(),
                               snapshot.meta.created};
  if (const auto& now = snapshot.now) {
    out.push_back(std::to_string(now->shared));
    out.push_back(os::human_bytes(now->bytes_shared));
    out.push_back(std::to_string(now->made_private + now->added));
    out.push_back(os::human_bytes(now->bytes_private + now->bytes_added));
  } else {
    out.insert(out.end(), 4, "-");
  }
  out.push_back(end_of(snapshot));
  out.push_back(snapshot.holds.empty() ? "-" : holders_of(snapshot));
  out.push_back(snapshot.run && !snapshot.run->why_kept.empty() ? snapshot.run->why_kept : "-");
  return out;
}

void print_now(const std::optional<snapshot::Contents>& now) {
  if (!now) {
    os::print("now        -\n");
    return;
  }
  os::print("now        {} shared, {}\n", os::counted(now->shared, "file"),
            os::human_bytes(now->bytes_shared));
  os::print("           {} private, {}\n", os::counted(now->made_private, "file"),
            os::human_bytes(now->bytes_private));
  os::print("           {} added, {}\n", os::counted(now->added, "file"),
            os::human_bytes(now->bytes_added));
  os::print("           {} missing\n", os::counted(now->missing, "file"));
}

void note_oddities(const snapshot::Description& snapshot) {
  const auto name = os::quoted(snapshot.meta.name);
  if (snapshot.now && snapshot.now->unread != 0) {
    os::note(os::format("of {}, {} may not be looked into: what is there is not counted", name,
                        os::counted(snapshot.now->unread, "folder")));
  }
  if (snapshot.meta.update == snapshot::Update::unfinished) {
    os::note(os::format("an update of {} was cut short: 'snapfix create {} --update' ends it", name,
                        snapshot.meta.name));
  }
  if (snapshot.git && !snapshot.git->have_head) {
    os::warn(os::format("the .git of {} has lost what its HEAD names: it is not in {} any more",
                        name,
                        os::quoted(snapshot.git->stores.empty() ? "" : snapshot.git->stores[0])));
    os::print_hint(
        "a git gc there has removed it, or the repository is gone: make the snapshot anew "
        "(--fresh)");
  }
}

void print_ledger(const snapshot::Ledger& ledger) {
  os::print("made       {} linked, {} shared\n", os::counted(ledger.linked, "file"),
            os::human_bytes(ledger.bytes_shared));
  os::print("           {} reflinked\n", os::counted(ledger.reflinked, "file"));
  os::print("           {} copied, {}\n", os::counted(ledger.copied(), "file"),
            os::human_bytes(ledger.bytes_copied));
  for (const auto& [reason, files] : ledger.copied_by_reason) {
    os::print("           {} because of {}\n", files, reason);
  }
  os::print("           {} ({}, {})\n", os::counted(ledger.entries(), "entry"),
            os::counted(ledger.folders, "folder"), os::counted(ledger.symlinks, "symlink"));
  os::print("           in {:.3f} s\n", ledger.seconds);
}

void print_run(const snapshot::Description& snapshot, const std::string& root) {
  const auto& run = snapshot.run;
  if (!run) {
    os::print("run        -\n");
    return;
  }
  const auto known = [](const std::string& text) { return text.empty() ? "?" : text; };
  os::print("run        {} to {} on {}: {}\n", known(run->started), run->end ? run->end->at : "?",
            known(run->host), end_of(snapshot));
  if (!run->why_kept.empty()) {
    os::print("           kept: {}\n", run->why_kept);
  }
  if (const auto& changes = run->changes) {
    os::print("           left {} private ({}), {} missing, {} added\n",
              os::counted(changes->made_private, "file"), os::human_bytes(changes->bytes_private),
              changes->missing, changes->added);
  }
  for (const auto& line : job::guard_lines(run->guard)) {
    os::print("{}\n", line);
  }
  for (const auto& line : job::source_lines(*run)) {
    os::print("{}\n", line);
  }
  os::print("command    to paste: it runs guarded, in the snapshot as it stands\n");
  for (const auto& line : job::command_lines(snapshot, root)) {
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
  const auto listed =
      exists ? snapshot::list(snapshot::Root::open(path)) : snapshot::Listed{path, {}, {}, {}};
  if (!exists) {
    os::note(os::format("there is no root at {}: --root names another", os::quoted(path)));
  }
  for (const auto& snapshot : listed.snapshots) {
    note_oddities(snapshot);
  }
  for (const auto& folder : listed.damaged) {
    os::warn(os::format("the manifest of the snapshot in {} is damaged, or its folder was replaced",
                        os::quoted(folder)));
  }
  if (options.flag("json")) {
    print_json(listed);
    return k_done;
  }
  using enum Table::Align;
  Table table({left, left, left, right, right, right, right, left, left, left});
  table.add({"name", "base", "created", "shared", "bytes", "own", "bytes", "last run", "held by",
             "kept"});
  for (const auto& snapshot : listed.snapshots) {
    table.add(row_of(snapshot));
  }
  table.print();
  if (listed.spares.trees != 0) {
    os::print("spares     {} of {} wait for the next snapshots\n",
              os::counted(listed.spares.trees, "tree"),
              os::counted(listed.spares.entries, "entry"));
  }
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
  auto shown = snapshot::describe(snapshot::Snapshot::require(root, options.words()[0]));
  shown.git = source::borrowed_objects(shown.path);
  note_oddities(shown);
  if (options.flag("json")) {
    print_json(shown);
    return k_done;
  }
  const auto& meta = shown.meta;
  os::print("name       {}\npath       {}\nsource     {}\nbase       {}\ncreated    {}\n",
            on_one_line(meta.name), on_one_line(shown.path), on_one_line(meta.source),
            shown.base.hex(), meta.created);
  os::print("options    {}\n", to_text(meta.options));
  for (const auto& store : shown.git ? shown.git->stores : std::vector<std::string>()) {
    os::print("git        with the objects of {}\n", on_one_line(store));
  }
  for (const auto& hold : shown.holds) {
    os::print("held       by {}, since {} from {}\n", to_text(hold), hold.since, hold.host);
  }
  print_ledger(meta.ledger);
  print_now(shown.now);
  print_run(shown, root.path());
  return k_done;
}

} // namespace snapfix::cli
