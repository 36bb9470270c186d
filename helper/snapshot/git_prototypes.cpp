#include "snapshot/git_prototypes.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/remove_tree.hpp"
#include "os/split.hpp"
#include "snapshot/own_folder.hpp"

#include <algorithm>
#include <utility>

namespace snapfix::snapshot {
namespace {

constexpr const char* k_tree = "tree"; ///< the prototypes
constexpr const char* k_records = "records";
constexpr const char* k_scratch = "scratch";
constexpr const char* k_index = "index";

constexpr char k_separator = '\0';
constexpr std::size_t k_fields = 4;

std::string text_of(const GitPrototypeRecord& record) {
  std::string out;
  const auto add = [&out](const std::string& field) { out += field + k_separator; };
  add(record.look.hex());
  add(record.is_settled ? "settled" : "new");
  add(record.index.hex());
  add(record.entries.hex());
  for (const auto& path : record.included) {
    add(path);
  }
  return out;
}

std::optional<GitPrototypeRecord> parse_record(const std::string& text) {
  const auto fields = os::split(text, k_separator);
  if (fields.size() < k_fields || !text.ends_with(k_separator)) {
    return std::nullopt;
  }
  const auto look = os::Hash::from_hex(fields[0]);
  const auto index = os::Hash::from_hex(fields[2]);
  const auto entries = os::Hash::from_hex(fields[3]);
  if (!look || !index || !entries) {
    return std::nullopt;
  }
  return GitPrototypeRecord{
      *look, fields[1] == "settled", *index, *entries, {fields.begin() + k_fields, fields.end()}};
}

os::Dir make_below(const os::Dir& top, const std::string& path) {
  auto here = top.open_child(".");
  for (const auto component : source::split_path(path)) {
    here = here.ensure_child(std::string(component).c_str());
  }
  return here;
}

} // namespace

GitPrototypes::GitPrototypes(const Root& root, const source::Selection& selection)
    : m_selection(selection) {
  if (selection.git == source::Git::on) {
    m_dir = ensure_ours(root.git(), os::hash_of(selection.source).hex().c_str());
  }
}

std::optional<os::Dir> GitPrototypes::open() const {
  return m_dir ? std::optional(m_dir->ensure_child(k_tree)) : std::nullopt;
}

void GitPrototypes::add_to(source::ListingBuilder& listing, const SourceClock* clock) {
  if (!m_dir) {
    return;
  }
  const os::Dir tree = m_dir->ensure_child(k_tree);
  const auto work_trees = listing.work_trees();
  std::erase_if(m_seen, [&](const auto& seen) {
    return std::ranges::find(work_trees, seen.first) == work_trees.end();
  });
  for (const auto& path : work_trees) {
    refresh(path, clock);
    if (const auto dir = source::open_below(tree, source::path_below(path, source::k_dot_git))) {
      add_folder(*dir, source::path_below(path, source::k_dot_git), listing);
    }
  }
}

void GitPrototypes::add_folder(const os::Dir& dir, const std::string& path,
                               source::ListingBuilder& listing) {
  listing.add_folder(path);
  for (const auto& entry : dir.entries()) {
    const auto child =
        entry.type == os::EntryType::other ? std::nullopt : dir.try_open_child(entry.name.c_str());
    const auto place = source::path_below(path, entry.name);
    child ? add_folder(*child, place, listing) : listing.add_file("", place);
  }
}

std::optional<source::GitFolder> GitPrototypes::find(const std::string& work_tree) const {
  try {
    return source::find_git_folder(
        work_tree.empty() ? m_selection.source : source::path_below(m_selection.source, work_tree));
  } catch (const os::Error&) {
    // Where every file is taken, one may lie about that is none any more.
    if (m_selection.files != source::FileSet::all || work_tree.empty()) {
      throw;
    }
    return std::nullopt;
  }
}

/// That of one work tree.
void GitPrototypes::refresh(const std::string& work_tree, const SourceClock* clock) {
  const auto git = find(work_tree);
  if (!git) {
    return;
  }
  const os::Dir records = m_dir->ensure_child(k_records);
  const std::string name = os::hash_of(work_tree).hex();
  const auto known = parse_record(os::read_small_file(records, name.c_str()).value_or(""));
  GitPrototypeRecord record = known.value_or(GitPrototypeRecord());
  Seen now{*git, source::look_at(*git, record.included), record.included};
  const auto before = m_seen.find(work_tree);
  const bool is_known = (record.is_settled && record.look == now.look.hash) ||
                        (before != m_seen.end() && before->second.look.hash == now.look.hash);
  if (!is_known) {
    const auto read = [&] {
      if (clock != nullptr) { // once the tick is over, any later change shows
        clock->wait(clock->tick_left(now.look.newest));
      }
      return source::read_git_folder(*git);
    };
    auto state = read();
    if (state.included != now.included) { // these are to be looked at as well, before they are read
      now.included = state.included;
      now.look = source::look_at(*git, now.included);
      state = read();
    }
    record.is_settled = clock != nullptr && !state.is_doubtful && state.included == now.included &&
                        clock->is_settled(now.look.newest);
    record.look = now.look.hash;
    record.included = now.included;
    records.unlink_if_present(name.c_str()); // until all is made
    make(work_tree, *git, state, known.has_value(), record);
    os::replace_file(records, name.c_str(), text_of(record));
  }
  m_seen.insert_or_assign(work_tree, std::move(now));
}

/// Where the repository's index says the same as when the one that stands was made, that one stays.
void GitPrototypes::make(const std::string& work_tree, const source::GitFolder& git,
                         const source::GitState& state, bool stands, GitPrototypeRecord& record) {
  const os::Dir dir =
      make_below(m_dir->ensure_child(k_tree), source::path_below(work_tree, source::k_dot_git));
  auto files = state.files;
  if (const auto index = state.index.find(k_index); index != state.index.end()) {
    const auto raw = os::hash_of(index->second.content);
    auto content = stands ? os::read_small_file(dir, k_index) : std::nullopt;
    if (!content || raw != record.index) {
      os::remove_tree(*m_dir, k_scratch);
      auto plain = source::plain_index(git, state, m_dir->ensure_child(k_scratch));
      os::remove_tree(*m_dir, k_scratch);
      if (!content || plain.entries != record.entries) {
        content = std::move(plain.content);
      }
      record.index = raw;
      record.entries = plain.entries;
    }
    files[k_index] = {std::move(*content), index->second.mtime};
  }
  source::write_files(dir, files, state.folders);
}

bool GitPrototypes::stood_at(const SourceClock& clock, bool unchanged) const {
  return std::ranges::all_of(m_seen, [&](const auto& entry) {
    const Seen& seen = entry.second;
    const bool is_old =
        clock.is_before(seen.look.newest) || (unchanged && clock.is_settled(seen.look.newest));
    return is_old && source::look_at(seen.git, seen.included).hash == seen.look.hash;
  });
}

source::SourceDirs open_source(const Root& root, const std::string& source) {
  const auto dir = root.git().try_open_child(os::hash_of(source).hex().c_str());
  return {os::Dir::open(source), dir ? dir->try_open_child(k_tree) : std::nullopt};
}

} // namespace snapfix::snapshot
