#include "job/repro.hpp"

#include "job/checkout.hpp"
#include "job/pasteable.hpp"
#include "job/repositories.hpp"
#include "job/secrets.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/path.hpp"
#include "os/subprocess.hpp"
#include "os/time_text.hpp"
#include "os/user.hpp"
#include "snapshot/assembly.hpp"
#include "snapshot/name.hpp"
#include "snapshot/new_root.hpp"
#include "snapshot/snapshot.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <span>
#include <utility>

namespace snapfix::job {
namespace {

constexpr std::uint32_t k_permissions = 0777; ///< no set-uid, set-gid or sticky bits of others

void check_record(const PackRecord& record) {
  for (const auto& [path, id] : record.commits) {
    if (!is_object_id(id)) {
      throw os::Error(os::format("the pack names {}, which is no commit", os::quoted(id)));
    }
  }
  std::vector<std::string> paths{record.folder, record.run_folder};
  paths.insert(paths.end(), record.options.uv_locked.begin(), record.options.uv_locked.end());
  std::ranges::transform(record.commits, std::back_inserter(paths), &PackedCommit::path);
  for (const auto& path : paths) {
    if (!path.empty()) {
      check_path(path);
    }
  }
}

/// Fills a base with the files of a pack.
class Filler {
public:
  Filler(PackFile& pack, const Repositories& repositories, snapshot::BaseAssembly& assembly)
      : m_pack(pack), m_tree(pack.tree()), m_repositories(repositories), m_assembly(assembly),
        m_committed(repositories.files_in(pack.record().folder)) {}

  void check_odd_symlinks(const std::vector<std::size_t>& symlinks);
  void fill();

private:
  void fill_from(std::size_t repository);
  void fill_from_lfs(std::size_t index);
  void lack(std::size_t index, const std::string& remedy);
  std::string where(std::size_t repository) const {
    return shell_word(m_repositories.objects(repository).folder());
  }

  PackFile& m_pack;
  const PackedTree& m_tree;
  const Repositories& m_repositories;
  snapshot::BaseAssembly& m_assembly;
  std::map<std::string, CommittedFile> m_committed;
  std::vector<std::string> m_missing;
  std::vector<std::string> m_remedies;
};

/// What leads out of the tree is believed of the commit, not of the pack.
void Filler::check_odd_symlinks(const std::vector<std::size_t>& symlinks) {
  for (const std::size_t index : symlinks) {
    const auto& file = m_tree.files[index].file;
    const auto found = m_committed.find(file.path);
    std::string committed;
    if (found != m_committed.end()) {
      m_repositories.objects(found->second.repository)
          .read({found->second.id},
                {[](std::size_t) {}, [&](std::string_view piece) { committed += piece; },
                 [](std::size_t) {}, [](std::size_t) {}});
    }
    if (committed != file.target) {
      throw os::Error(os::format("the pack has a symlink {} that may lead out of the tree, to {}: "
                                 "nothing is made of it",
                                 os::quoted(file.path), os::quoted(file.target)),
                      "commit it, if it is yours: of a commit it is taken");
    }
  }
}

void Filler::lack(std::size_t index, const std::string& remedy) {
  m_missing.push_back(os::quoted(m_tree.files[index].file.path));
  if (std::ranges::find(m_remedies, remedy) == m_remedies.end()) {
    m_remedies.push_back(remedy);
  }
}

void Filler::fill_from(std::size_t repository) {
  std::vector<std::size_t> files;
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < m_tree.files.size(); ++i) {
    const auto& [file, from, lfs_id] = m_tree.files[i];
    const auto found = m_committed.find(file.path);
    if (from == Origin::commit && !S_ISLNK(file.mode) && found != m_committed.end() &&
        found->second.repository == repository) {
      files.push_back(i);
      ids.push_back(found->second.id);
    }
  }
  m_repositories.objects(repository)
      .read(ids, {[&](std::size_t k) { m_assembly.begin(files[k]); },
                  [&](std::string_view piece) { m_assembly.add(std::as_bytes(std::span(piece))); },
                  [&](std::size_t) { m_assembly.end(); },
                  [&](std::size_t k) {
                    lack(files[k], os::format("git -C {0} fetch --refetch origin (the clone is "
                                              "partial: 'git -C {0} show {1}' fetches one)",
                                              where(repository), ids[k]));
                  }});
}

void Filler::fill_from_lfs(std::size_t index) {
  const auto& [file, from, lfs_id] = m_tree.files[index];
  const auto found = m_committed.find(file.path);
  const std::size_t repository = found == m_committed.end() ? 0 : found->second.repository;
  const auto& objects = m_repositories.objects(repository);
  const auto common = objects.ask({"rev-parse", "--path-format=absolute", "--git-common-dir"});
  const auto bucket = os::format("{}/lfs/objects/{}/{}", common.value_or(""), lfs_id.substr(0, 2),
                                 lfs_id.substr(2, 2));
  if (!common || !os::is_file(bucket + "/" + lfs_id)) {
    lack(index, os::format("git -C {} lfs fetch origin {}", where(repository),
                           m_repositories.commits()[repository].id));
    return;
  }
  m_assembly.begin(index);
  const auto content = os::MappedFile::open(os::Dir::open(bucket), lfs_id.c_str());
  m_assembly.add(content.bytes());
  m_assembly.end();
}

void Filler::fill() {
  for (std::size_t i = 0; i < m_repositories.commits().size(); ++i) {
    fill_from(i);
  }
  for (std::size_t i = 0; i < m_tree.files.size(); ++i) {
    const auto& [file, from, lfs_id] = m_tree.files[i];
    if (S_ISLNK(file.mode)) {
      continue;
    }
    if (from == Origin::lfs && !m_repositories.commits().empty()) {
      fill_from_lfs(i);
    } else if (from == Origin::left_out) {
      lack(i, "it was left out of the pack: 'snapfix pack' with a larger --max-size takes it along "
              "(but nothing that looks like a secret)");
    } else if (from != Origin::pack && !m_committed.contains(file.path)) {
      lack(i, "it is in no commit that the pack names: is the pack damaged?");
    }
  }
  if (!m_missing.empty()) {
    const auto count = m_missing.size();
    constexpr std::size_t k_most_told = 10;
    m_missing.resize(std::min(count, k_most_told));
    throw os::Error(
        os::format("the content of {}{} is missing", os::joined(m_missing, ", "),
                   count > k_most_told ? os::format(" and {} more", count - k_most_told) : ""),
        os::joined(m_remedies, "\n"));
  }
  m_pack.read_contents([&](std::size_t index) { m_assembly.begin(index); },
                       [&](std::span<const std::byte> bytes) { m_assembly.add(bytes); },
                       [&] { m_assembly.end(); });
}

std::vector<snapshot::PartFile> files_of(const PackedTree& tree) {
  std::vector<snapshot::PartFile> out;
  std::ranges::transform(tree.files, std::back_inserter(out), &PackedFile::file);
  for (auto& file : out) {
    file.mode &= S_IFMT | k_permissions;
  }
  return out;
}

std::vector<snapshot::PartFolder> folders_of(const PackedTree& tree) {
  auto out = tree.folders;
  for (auto& folder : out) {
    folder.permissions &= k_permissions;
  }
  return out;
}

template<typename Part>
std::vector<Part> joined(std::vector<Part> parts, const std::vector<Part>& more) {
  parts.insert(parts.end(), more.begin(), more.end());
  return parts;
}

Places places_here(const Reproduced& made) {
  Places out{{made.source, "@SOURCE_DIR@"}};
  for (const auto& home : os::home_folders()) {
    out.emplace_back(home, "@HOME@");
  }
  return out; // @SNAPSHOT_DIR@ is replaced by each run
}

bool has_left_out(const PackRecord& record) {
  return std::ranges::any_of(record.command, [](const std::string& word) {
    return word.find(k_left_out) != std::string::npos;
  });
}

/// The run that was packed, as if it had been one of this snapshot, in this environment.
snapshot::RunRecord record_of(const PackRecord& record, const Reproduced& made) {
  const auto places = places_here(made);
  snapshot::RunRecord out;
  for (const auto& word : record.command) {
    out.command.push_back(without_places(word, places));
  }
  auto environment = os::environment_without_git();
  for (const auto& variable : record.environment) {
    const std::string name(os::Environment::name_of(variable));
    if (!name.empty() && name.size() < variable.size()) {
      environment.set(name, without_places(variable.substr(name.size() + 1), places));
      out.wishes.pack_environment.push_back(name);
    }
  }
  out.environment = environment.variables();
  out.folder = made.path + (record.run_folder.empty() ? "" : "/" + record.run_folder);
  out.host = "elsewhere";
  out.started = record.started;
  out.end = record.end;
  const auto guard = os::from_word<Guard>(record.wishes.guard).value_or(Guard::automatic);
  out.wishes.guard = os::word_of(guard == Guard::off ? Guard::automatic : guard); // for the clone
  out.guard.state = snapshot::GuardState::not_needed;
  out.why_kept = os::format("reproduced from a pack ({})", record.verdict);
  return out;
}

/// For `enter` and `rerun`.
void write_record(const snapshot::Root& root, const std::string& folder, const PackRecord& record,
                  const Reproduced& made) {
  if (!record.command.empty() && !has_left_out(record)) {
    snapshot::write_run(root, folder, record_of(record, made));
  }
}

} // namespace

Reproduced reproduce(PackFile& pack, const ReproOptions& options) {
  const auto& record = pack.record();
  check_record(record);
  std::vector<std::size_t> odd_symlinks;
  check_tree(pack.tree(), odd_symlinks);
  const auto repositories = Repositories::at(options.clone, record.commits);
  Reproduced out;
  out.name = options.name.empty() ? record.name : options.name;
  out.source = options.clone + (record.folder.empty() ? "" : "/" + record.folder);
  if (!os::is_folder(out.source)) { // its work tree may be elsewhere
    out.source = options.clone;
  }
  if (out.name.empty() || out.name.starts_with(snapshot::k_scratch_prefix)) {
    throw os::Error(os::format("the snapshot cannot be called {}", os::quoted(out.name)),
                    "give it another name: --as NAME");
  }
  snapshot::in_root(options.root, [&](const snapshot::Root& root) {
    snapshot::Held held(root, out.name, "snapfix repro", options.patience);
    if (!options.fresh && root.stat_of_tree(held.folder())) {
      throw os::Error(os::format("{} stands already", os::quoted(held.path())),
                      "make it anew, and lose what was done in it: --fresh\n"
                      "make another beside it: --as NAME");
    }
    auto lock = root.lock_store(os::LockMode::shared, "snapfix repro");
    const bool has_git = record.source.git == source::Git::on && record.folder.empty();
    const auto git = has_git ? checkout_of(repositories, root) : Checkout();
    const snapshot::BaseMeta meta{out.source,
                                  record.source.files,
                                  record.source.include,
                                  snapshot::LinkFrom::store,
                                  os::to_iso8601(os::now()),
                                  git.files.empty() ? source::Git::off : source::Git::on};
    std::optional<snapshot::Base> base;
    {
      snapshot::BaseAssembly assembly(root, meta, joined(folders_of(pack.tree()), git.folders),
                                      joined(files_of(pack.tree()), git.files));
      Filler filler(pack, repositories, assembly);
      filler.check_odd_symlinks(odd_symlinks);
      filler.fill();
      for (std::size_t i = 0; i < git.files.size(); ++i) {
        assembly.begin(pack.tree().files.size() + i);
        assembly.add(std::as_bytes(std::span(git.contents[i])));
        assembly.end();
      }
      base = assembly.finish();
    }
    snapshot::CreateOptions wanted;
    wanted.selection.source = out.source;
    wanted.selection.root = root.path();
    wanted.selection.files = meta.files;
    wanted.selection.git = meta.git;
    wanted.selection.include = source::GlobSet(meta.include, out.source);
    record.options.put_into(wanted.tree, out.source);
    wanted.base.id = base->id().hex();
    wanted.existing = snapshot::Existing::refresh;
    if (!snapshot::create(held, wanted, {std::move(lock), std::move(*base), std::nullopt})) {
      throw os::Error("the store's objects change while they are linked", "try again");
    }
    out.path = held.path();
    write_record(root, held.folder(), record, out);
    root.clear_debris();
  });
  return out;
}

std::optional<os::Error> why_not_runnable(const PackRecord& record, const Reproduced& made) {
  if (record.command.empty()) {
    return os::Error("no command is recorded: " + record.verdict);
  }
  if (has_left_out(record)) {
    return os::Error(
        "a part of the command was left out, as it looks like a secret",
        os::format("run it by hand: snapfix run {} -- COMMAND", shell_word(made.name)));
  }
  auto program = without_places(record.command[0], places_here(made));
  program = without_places(program, {{made.path, "@SNAPSHOT_DIR@"}});
  if (program.find('/') == std::string::npos) {
    if (!os::find_program(program)) {
      return os::Error(os::format("the program {} is not in PATH", os::quoted(program)),
                       "install it");
    }
    return std::nullopt;
  }
  const auto path =
      program.starts_with('/')
          ? program
          : made.path + "/" + (record.run_folder.empty() ? "" : record.run_folder + "/") + program;
  if (!os::is_file(path)) {
    return os::Error(os::format("the program {} is not there", os::quoted(path)),
                     os::format("build it: cmake --build {}\nor run another one: snapfix run {} -- "
                                "COMMAND",
                                shell_word(std::string(source::folder_of(path))),
                                shell_word(made.name)));
  }
  return std::nullopt;
}

RunOptions recorded_run(const PackRecord& record, const Reproduced& made,
                        const ReproOptions& options) {
  if (const auto why = why_not_runnable(record, made)) {
    throw os::Error(*why);
  }
  const auto run = record_of(record, made);
  RunOptions out;
  out.name = made.name;
  out.create.selection.source = made.source;
  out.create.selection.root = options.root;
  record.options.put_into(out.create.tree, made.source);
  out.folder = record.run_folder;
  out.command = run.command;
  out.environment = os::Environment(run.environment);
  out.guard = os::from_word<Guard>(run.wishes.guard).value_or(Guard::automatic);
  out.pack_environment = run.wishes.pack_environment;
  out.patience = options.patience;
  out.locks.patience = options.patience;
  return out;
}

} // namespace snapfix::job
