#include "snapshot/reuse.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "snapshot/name.hpp"

#include <string>
#include <utility>

namespace snapfix::snapshot {
namespace {

Created created_of(const Snapshot& standing) {
  Created out;
  out.path = standing.path();
  out.base = standing.manifest().base;
  out.ledger = standing.meta().ledger;
  out.ledger.seconds = 0;
  return out;
}

std::string remedies(const std::string& name) {
  return os::format("use it as it stands: add --reuse\n"
                    "bring the source's files in it to the present state, and keep what jobs have "
                    "made: add --update\n"
                    "make it pristine, of the present state: add --fresh\n"
                    "keep it and make another: choose another name\n"
                    "drop it: snapfix remove {}",
                    name);
}

} // namespace

Created reuse_as_it_stands(const Snapshot& standing, const CreateOptions& options) {
  standing.require_whole();
  const auto& meta = standing.meta();
  auto out = created_of(standing);
  out.notes.push_back(os::format("the snapshot {} stands and is used as it is: made of {} at {}",
                                 os::quoted(meta.name), out.base.short_hex(), meta.created));
  if (meta.source != options.selection.source) {
    out.notes.push_back(os::format("it is one of another source, {}", os::quoted(meta.source)));
  }
  if (meta.options != RecordedOptions::of(options.tree)) {
    out.notes.push_back(os::format("it was made with other options: {}", to_text(meta.options)));
  }
  return out;
}

Created reuse_of_base(const Snapshot& standing, const Base& base, const CreateOptions& options) {
  standing.require_whole();
  auto out = created_of(standing);
  const std::string& name = standing.name();
  if (out.base != base.id()) {
    throw os::Error(os::format("the snapshot {} was made of another state of the source: {} of {}, "
                               "and now it is {}",
                               os::quoted(name), out.base.short_hex(), standing.meta().created,
                               base.id().short_hex()),
                    remedies(name));
  }
  const auto& had = standing.meta().options;
  const auto wanted = RecordedOptions::of(options.tree);
  if (had == wanted) {
    return out;
  }
  if (wanted != RecordedOptions()) {
    throw os::Error(os::format("the snapshot {} was made with other options: {}, and now they "
                               "are {}",
                               os::quoted(name), to_text(had), to_text(wanted)),
                    remedies(name));
  }
  // Who names no options takes the snapshot as it is.
  out.notes.push_back(os::format("the snapshot was made with options: {}", to_text(had)));
  return out;
}

std::optional<Created> reuse(const Root& root, const std::string& name,
                             const CreateOptions& options) {
  const auto standing = Snapshot::find(root, folder_of_name(name));
  if (!standing) {
    return std::nullopt;
  }
  if (options.existing == Existing::reuse_any) { // what the source is now does not matter
    return reuse_as_it_stands(*standing, options);
  }
  auto chosen = choose_base(root, options);
  auto out = reuse_of_base(*standing, chosen.base, options);
  out.frozen = std::move(chosen.frozen);
  return out;
}

} // namespace snapfix::snapshot
