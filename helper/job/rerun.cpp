#include "job/rerun.hpp"

#include "job/command.hpp"
#include "job/pasteable.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "snapshot/run_record.hpp"

namespace snapfix::job {

RunOptions repetition(const snapshot::Snapshot& snapshot, In in) {
  const auto& root = snapshot.root();
  const auto run = snapshot::load_run(root, snapshot.folder());
  if (!run || run->command.empty()) {
    throw os::Error(
        os::format("no command is recorded that ran in {}", os::quoted(snapshot.name())),
        os::format("run one: snapfix run {} --root {} -- COMMAND", shell_word(snapshot.name()),
                   shell_word(root.path())));
  }
  const auto& meta = snapshot.meta();
  RunOptions out;
  out.name = snapshot.name();
  out.create.selection.source = meta.source;
  out.create.selection.root = root.path();
  meta.options.put_into(out.create.tree, meta.source);
  if (const auto* base = snapshot.find_base()) {
    out.create.selection.files = base->meta().files;
    out.create.selection.git = base->meta().git;
    out.create.selection.include = source::GlobSet(base->meta().include, meta.source);
    out.create.base.id = base->id().hex();
  } else {
    out.create.selection.files = source::default_files(meta.source);
  }
  if (in == In::pristine_tree) {
    out.fresh = true;
    os::note(out.create.base.id.empty()
                 ? os::format("its base is lost: {} is made anew of the present state of {}",
                              os::quoted(out.name), os::quoted(meta.source))
                 : os::format("{} is made anew of its base {}", os::quoted(out.name),
                              snapshot.manifest().base.short_hex()));
  }
  out.command = run->command;
  out.verbatim = out.command; // what is replaced was, when it was recorded
  out.environment = environment_of(*run);
  out.folder = folder_in(snapshot, *run);
  out.guard = os::from_word<Guard>(run->wishes.guard).value_or(Guard::automatic);
  out.source_writes = os::from_word<guard::SourceWrites>(run->wishes.source_writes)
                          .value_or(guard::SourceWrites::deny);
  out.locks.uv = run->wishes.uv;
  out.pack_environment = run->wishes.pack_environment;
  return out;
}

} // namespace snapfix::job
