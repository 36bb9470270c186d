#include "job/pack.hpp"

#include "job/command.hpp"
#include "job/packed_tree.hpp"
#include "job/repositories.hpp"
#include "job/secrets.hpp"
#include "os/archive.hpp"
#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "os/process.hpp"
#include "os/split.hpp"
#include "os/subprocess.hpp"
#include "os/time_text.hpp"
#include "os/user.hpp"
#include "os/version.hpp"
#include "snapshot/comparison.hpp"
#include "source/git.hpp"
#include "source/listing.hpp"
#include "uv/program.hpp"

#include <algorithm>
#include <charconv>
#include <set>
#include <utility>

namespace snapfix::job {
namespace {

constexpr std::size_t k_longest_pointer = 1024; ///< of Git LFS

/// What Git LFS puts into a commit in place of a file: its id, if it has that size.
std::optional<std::string> lfs_id_of(std::string_view pointer, std::uint64_t size) {
  constexpr std::string_view k_version = "version https://git-lfs.github.com/spec/";
  constexpr std::string_view k_id = "\noid sha256:";
  constexpr std::size_t k_digits = 64;
  const auto at = pointer.find(k_id);
  const auto id = at == std::string_view::npos ? std::string_view()
                                               : pointer.substr(at + k_id.size(), k_digits);
  const bool fits = pointer.find(os::format("\nsize {}\n", size)) != std::string_view::npos;
  return pointer.starts_with(k_version) && is_object_id(id) && fits ? std::optional(std::string(id))
                                                                    : std::nullopt;
}

std::string distribution() {
  constexpr std::string_view k_name = "\nPRETTY_NAME=\"";
  const auto text = "\n" + os::read_proc("/etc/os-release").value_or("");
  const auto at = text.find(k_name);
  return at == std::string::npos
             ? "?"
             : text.substr(at + k_name.size(),
                           text.find('"', at + k_name.size()) - at - k_name.size());
}

std::map<std::string, std::string> versions() {
  std::map<std::string, std::string> out{{"snapfix", os::version()},
                                         {"distribution", distribution()}};
  auto kernel = os::read_proc("/proc/sys/kernel/osrelease").value_or("?");
  kernel.erase(std::ranges::find(kernel, '\n'), kernel.end());
  out["kernel"] = kernel;
  if (os::find_program("git")) {
    out["git"] = GitObjects("/").ask({"--version"}).value_or("?");
  }
  if (const auto uv = os::find_program("uv")) {
    out["uv"] = uv::release_of(*uv).version;
  }
  return out;
}

class Packer {
public:
  Packer(const snapshot::Snapshot& snapshot, const PackOptions& options)
      : m_snapshot(snapshot), m_base(snapshot.base()), m_options(options),
        m_run(snapshot::load_run(snapshot.root(), snapshot.folder())),
        m_side(snapshot::Side::of_base(snapshot)),
        m_places({{snapshot.path(), "@SNAPSHOT_DIR@"}, {snapshot.meta().source, "@SOURCE_DIR@"}}) {
    for (const auto& home : os::home_folders()) {
      m_places.emplace_back(home, "@HOME@");
    }
  }

  void write(const std::string& path);

private:
  std::optional<std::string> frozen_head(const std::string& path) const;
  void look_at_source();
  void add_tree();
  void compare_with_commit();
  void settle(std::size_t index, const os::Hash& committed, std::string_view pointer);
  void choose_contents();
  void add_run();
  void add_environment();
  void tell() const;
  std::string shown(const std::string& text) const { return with_places(text, m_places); }

  const snapshot::Snapshot& m_snapshot;
  const snapshot::Base& m_base;
  const PackOptions& m_options;
  std::optional<snapshot::RunRecord> m_run;
  snapshot::Side m_side;
  Places m_places;
  Repositories m_repositories;
  std::map<std::string, CommittedFile> m_committed;
  PackRecord m_record;
  PackedTree m_tree;
};

/// The source may be at another commit by now than its base was.
std::optional<std::string> Packer::frozen_head(const std::string& path) const {
  const auto text_of = [&](const std::string& name) -> std::optional<std::string> {
    const auto file = (path.empty() ? "" : path + "/") + ".git/" + name;
    if (!m_base.find(file)) {
      return std::nullopt;
    }
    auto text = os::text_of(m_side.open(file).get(), file);
    text.erase(text.find_last_not_of('\n') + 1);
    return text;
  };
  constexpr std::string_view k_ref = "ref: ";
  auto head = text_of("HEAD");
  if (!head || !head->starts_with(k_ref)) {
    return head;
  }
  const auto end = " " + head->substr(k_ref.size());
  for (const auto& line : os::split(text_of("packed-refs").value_or(""), '\n')) {
    if (line.ends_with(end)) {
      return line.substr(0, line.size() - end.size());
    }
  }
  return std::nullopt;
}

void Packer::look_at_source() {
  const std::string& source = m_snapshot.meta().source;
  const auto top = source::work_tree_around(source);
  m_record.name = m_snapshot.name();
  m_record.packed = os::to_iso8601(os::now());
  m_record.base = m_base.id().hex();
  m_record.source = m_base.meta();
  m_record.options = m_snapshot.meta().options;
  m_record.versions = versions();
  if (!top) {
    return;
  }
  m_repositories =
      Repositories::at_head(*top, [this](const auto& path) { return frozen_head(path); });
  m_record.commits = m_repositories.commits();
  m_record.folder = source.substr(std::min(source.size(), top->size() + 1));
  m_committed = m_repositories.files_in(m_record.folder);
  const GitObjects objects(*top);
  m_record.origin =
      shown(without_secrets(objects.ask({"config", "--get", "remote.origin.url"}).value_or("")));
  if (!m_record.commits.empty() && !m_record.origin.empty() &&
      objects.ask({"for-each-ref", "--count=1", "--contains", m_record.commits[0].id,
                   "refs/remotes"}) == "") {
    os::note("the commit is on no branch of a remote: push it, or nobody else has it");
  }
}

void Packer::add_tree() {
  std::size_t index = 0;
  std::set<std::string> all;
  for (const auto& folder : m_base.folders()) {
    const std::string path = m_base.text(folder.path);
    if (source::lies_in_git(path)) {
      index += folder.file_count;
      continue;
    }
    m_tree.folders.push_back({path, folder.permissions, folder.mtime()});
    for (const auto& file : m_base.files_of(folder)) {
      auto name = m_base.path_of(folder, file);
      ++index;
      if (m_side.entries().contains(name)) {
        const bool is_unread = !file.is_symlink() && file.content == os::Hash();
        m_tree.files.push_back(
            {{name, file.mode, file.size, file.mtime(),
              is_unread ? os::hash_file(m_side.open(name).get(), name) : file.content,
              file.is_symlink() ? m_base.text(file.target) : ""},
             Origin::pack,
             ""});
      }
      all.insert(std::move(name));
    }
  }
  for (const auto& [path, committed] : m_committed) {
    if (!all.contains(path)) {
      m_record.deleted.push_back(path);
    }
  }
}

/// What a file's committed blob tells of it.
void Packer::settle(std::size_t index, const os::Hash& committed, std::string_view pointer) {
  auto& packed = m_tree.files[index];
  const bool is_symlink = S_ISLNK(packed.file.mode);
  const auto content = is_symlink ? os::hash_of(packed.file.target) : packed.file.content;
  if (content == committed) {
    packed.from = Origin::commit;
    return;
  }
  const auto lfs = is_symlink ? std::nullopt : lfs_id_of(pointer, packed.file.size);
  if (lfs) {
    packed.from = Origin::lfs;
    packed.lfs_id = *lfs;
  }
}

void Packer::compare_with_commit() {
  for (std::size_t i = 0; i < m_record.commits.size(); ++i) {
    std::vector<std::size_t> files;
    std::vector<std::string> ids;
    for (std::size_t k = 0; k < m_tree.files.size(); ++k) {
      const auto& file = m_tree.files[k].file;
      const auto found = m_committed.find(file.path);
      if (found != m_committed.end() && found->second.repository == i &&
          (found->second.size == file.size || found->second.size < k_longest_pointer)) {
        files.push_back(k);
        ids.push_back(found->second.id);
      }
    }
    std::optional<os::Hasher> hasher;
    std::string start;
    m_repositories.objects(i).read(
        ids, {[&](std::size_t) {
                hasher.emplace();
                start.clear();
              },
              [&](std::string_view piece) {
                hasher->add(piece);
                if (start.size() < k_longest_pointer) {
                  start += piece.substr(0, k_longest_pointer);
                }
              },
              [&](std::size_t k) { settle(files[k], hasher->finish(), start); },
              [](std::size_t) {}}); // of a partial clone: the file goes along
  }
}

void Packer::choose_contents() {
  std::vector<PackedFile*> wanted;
  for (auto& packed : m_tree.files) {
    if (packed.from != Origin::pack) {
      continue;
    }
    const auto& path = packed.file.path;
    (m_committed.contains(path) ? m_record.modified : m_record.added).push_back(path);
    if (!S_ISLNK(packed.file.mode)) {
      wanted.push_back(&packed);
    }
  }
  std::ranges::stable_sort(wanted, {}, [](const PackedFile* packed) { return packed->file.size; });
  std::uint64_t size = 0;
  for (auto* packed : wanted) {
    const auto& file = packed->file;
    const bool is_secret = is_secret_file(file.path);
    const bool fits = !is_secret && file.size <= m_options.max_size - size;
    if (fits) {
      size += file.size;
    } else {
      packed->from = Origin::left_out;
      m_record.left_out.push_back(
          os::format("the content of {} ({})", file.path,
                     is_secret ? "by its name it may hold a secret"
                               : os::format("{} bytes, more than --max-size leaves", file.size)));
    }
  }
}

void Packer::add_run() {
  if (!m_run || m_run->command.empty()) {
    m_record.verdict = "nothing was run in it";
    return;
  }
  if (m_options.verdict.empty() && m_run->end && m_run->end->signal == 0 &&
      m_run->end->status == 0) {
    os::note("the last run in it ended with exit code 0: that is the one that is packed");
  }
  const auto words = without_secrets(m_run->command);
  if (words != m_run->command) {
    m_record.left_out.emplace_back("what looks like a secret in the command");
  }
  std::ranges::transform(words, std::back_inserter(m_record.command),
                         [this](const std::string& word) { return shown(word); });
  m_record.run_folder = folder_in(m_snapshot, *m_run);
  m_record.wishes = m_run->wishes;
  m_record.wishes.uv = shown(m_record.wishes.uv);
  m_record.started = m_run->started;
  m_record.end = m_run->end;
  m_record.guard = os::word_of(m_run->guard.state);
  m_record.verdict = !m_options.verdict.empty() ? m_options.verdict
                     : !m_run->end              ? "its end is not recorded"
                     : m_run->end->signal != 0
                         ? os::format("killed by signal {}", m_run->end->signal)
                         : os::format("exit code {}", m_run->end->status);
  add_environment();
}

void Packer::add_environment() {
  const os::Environment environment(m_run->environment);
  auto names = m_run->wishes.pack_environment;
  for (const auto& name : m_options.environment) {
    if (!environment.has(name)) {
      os::note(os::format("the run had no variable {}", os::quoted(name)));
    } else if (std::ranges::find(names, name) == names.end()) {
      names.push_back(name);
    }
  }
  for (const auto& name : names) {
    const auto value = environment.get(name);
    if (!value) {
      continue;
    }
    if (is_secret_name(name) || without_secrets(*value) != *value) {
      m_record.left_out.push_back(os::format("the value of {} (it looks like a secret)", name));
    } else {
      m_record.environment.push_back(name + "=" + shown(*value));
    }
  }
}

void Packer::tell() const {
  constexpr std::size_t k_most_told = 10;
  for (std::size_t i = 0; i < m_record.left_out.size() && i < k_most_told; ++i) {
    os::note("left out of the pack: " + m_record.left_out[i]);
  }
  if (m_record.left_out.size() > k_most_told) {
    os::note(os::format("and {} more, as record.json in it says",
                        m_record.left_out.size() - k_most_told));
  }
}

void Packer::write(const std::string& path) {
  look_at_source();
  add_tree();
  compare_with_commit();
  choose_contents();
  add_run();
  const auto slash = path.rfind('/') + 1;
  const auto dir = os::Dir::open(path.substr(0, slash));
  const auto name = path.substr(slash);
  const auto unfinished = os::format(".{}.{}", name, os::this_process());
  try {
    const auto file = dir.create_file(unfinished.c_str(), 0666);
    os::ArchiveWriter archive(file.get(), path);
    archive.add("record.json", text_of(m_record));
    archive.add("files.json", text_of(m_tree));
    for (std::size_t i = 0; i < m_tree.files.size(); ++i) {
      const auto& [packed, from, lfs_id] = m_tree.files[i];
      if (from == Origin::pack && !S_ISLNK(packed.mode)) {
        archive.add(os::format("content/{}", i), packed.size, m_side.open(packed.path).get());
      }
    }
    archive.finish();
    dir.rename(unfinished.c_str(), dir, name.c_str());
  } catch (...) {
    dir.unlink_if_present(unfinished.c_str());
    throw;
  }
  tell();
}

} // namespace

void pack(const snapshot::Snapshot& snapshot, const PackOptions& options, const std::string& path) {
  const auto lock = snapshot.root().lock_store(os::LockMode::shared, "snapfix pack");
  Packer(snapshot, options).write(path);
}

std::string pack_name(const std::string& folder) {
  return folder + ".pack.tar.zst";
}

} // namespace snapfix::job
