#include "job/git_objects.hpp"

#include "os/error.hpp"
#include "os/file.hpp"
#include "os/format.hpp"
#include "source/git_call.hpp"

#include <algorithm>
#include <charconv>
#include <span>
#include <utility>

namespace snapfix::job {
namespace {

os::Finished run_git(const std::string& folder, std::vector<std::string> arguments,
                     const std::function<void(std::string_view)>& take = {}, int input = -1) {
  source::GitCall call{folder, std::move(arguments)};
  call.replace_refs = source::ReplaceRefs::ignore;
  call.input = input;
  return source::run_git(call, take);
}

void check(const os::Finished& git, const std::string& folder) {
  if (git.exit_code != 0) {
    throw os::Error(os::format("git cannot read the objects of {} (exit code {}): {}",
                               os::quoted(folder), git.exit_code, git.err));
  }
}

/// The answers of `git cat-file --batch`: `<id> blob <size>`, the bytes, a newline; or `<id>
/// missing`.
class Answers {
public:
  Answers(std::size_t count, const BlobTaker& taker) : m_count(count), m_taker(taker) {}

  void take(std::string_view piece) {
    while (!piece.empty()) {
      if (m_left != 0) {
        const auto part = piece.substr(0, std::min<std::uint64_t>(m_left, piece.size()));
        m_taker.take(part);
        m_left -= part.size();
        piece.remove_prefix(part.size());
        if (m_left == 0) {
          end();
        }
      } else if (m_awaits_newline) {
        m_awaits_newline = false;
        piece.remove_prefix(1);
      } else {
        const auto end = piece.find('\n');
        m_line += piece.substr(0, end);
        piece.remove_prefix(end == std::string_view::npos ? piece.size() : end + 1);
        if (end != std::string_view::npos) {
          begin(std::exchange(m_line, {}));
        }
      }
    }
  }

  bool is_complete() const { return m_index == m_count && m_left == 0; }

private:
  void begin(const std::string& line) {
    constexpr std::string_view k_blob = " blob ";
    const auto at = line.find(k_blob);
    const char* end = line.data() + line.size();
    if (m_index == m_count) {
      return;
    }
    if (at == std::string::npos ||
        std::from_chars(line.data() + at + k_blob.size(), end, m_left).ptr != end) {
      m_left = 0;
      m_taker.missing(m_index++); // or no blob
      return;
    }
    m_taker.begin(m_index);
    if (m_left == 0) {
      this->end();
    }
  }

  void end() {
    m_taker.end(m_index++);
    m_awaits_newline = true;
  }

  std::size_t m_count;
  const BlobTaker& m_taker;
  std::size_t m_index = 0;
  std::uint64_t m_left = 0;
  bool m_awaits_newline = false;
  std::string m_line;
};

TreeEntry entry_of(std::string_view line) {
  TreeEntry out; // <mode> <type> <id> <size, padded>\t<path>
  const auto tab = line.find('\t');
  out.path = line.substr(std::min(line.size(), tab + 1));
  out.is_submodule = line.starts_with("160000 ");
  const auto words = line.substr(0, tab);
  const auto id = words.find(' ', words.find(' ') + 1) + 1;
  out.id = words.substr(id, words.find(' ', id) - id);
  const auto size = words.find_last_of(' ') + 1;
  std::from_chars(words.data() + size, words.data() + words.size(), out.size);
  return out;
}

} // namespace

std::optional<std::string> GitObjects::ask(const std::vector<std::string>& arguments) const {
  auto git = run_git(m_folder, arguments);
  if (git.out.ends_with('\n')) {
    git.out.pop_back();
  }
  return git.exit_code == 0 ? std::optional(std::move(git.out)) : std::nullopt;
}

bool GitObjects::has_commit(const std::string& id) const {
  return ask({"cat-file", "-t", id}) == "commit";
}

std::vector<TreeEntry> GitObjects::list(const std::string& commit) const {
  const auto git = run_git(m_folder, {"ls-tree", "-r", "-z", "-l", "--full-tree", commit});
  check(git, m_folder);
  std::vector<TreeEntry> out;
  for (std::string_view rest = git.out; !rest.empty();) {
    const auto end = std::min(rest.find('\0'), rest.size());
    out.push_back(entry_of(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

void GitObjects::read(const std::vector<std::string>& ids, const BlobTaker& taker) const {
  if (ids.empty()) {
    return;
  }
  std::string asked;
  for (const auto& id : ids) {
    asked += id + "\n";
  }
  const auto input = os::make_memory_file();
  os::write_all(input.get(), std::as_bytes(std::span(asked)), "a file in memory");
  Answers answers(ids.size(), taker);
  const auto git = run_git(
      m_folder, {"cat-file", "--batch", "--buffer"},
      [&](std::string_view piece) { answers.take(piece); }, input.get());
  check(git, m_folder);
  if (!answers.is_complete()) {
    throw os::Error(os::format("git has not read all objects of {}", os::quoted(m_folder)),
                    "git fsck tells more");
  }
}

} // namespace snapfix::job
