#include "job/pack_record.hpp"

#include "os/error.hpp"
#include "os/format.hpp"
#include "os/json.hpp"
#include "snapshot/record_json.hpp"

#include <charconv>
#include <utility>

namespace snapfix::job {
namespace {

using nlohmann::json;
using os::json_object;

constexpr unsigned k_octal = 8;
constexpr std::uint32_t k_nanoseconds = 1'000'000'000;

[[noreturn]] void fail() {
  throw os::Error("this is no pack of snapfix, or it is damaged");
}

// What reads throws os::Error by fail(), or json::exception.

/// Programs and paths would end at a NUL.
const std::string& without_nul(const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    fail();
  }
  return text;
}

std::string text(const json& object, const char* key) {
  return without_nul(object.at(key).get_ref<const std::string&>());
}

std::vector<std::string> texts(const json& object, const char* key) {
  auto out = object.at(key).get<std::vector<std::string>>();
  std::ranges::for_each(out, without_nul);
  return out;
}

std::uint64_t number(const json& value) {
  if (!value.is_number_unsigned()) {
    fail();
  }
  return value.get<std::uint64_t>();
}

std::uint32_t permissions(const json& object) {
  const auto word = text(object, "mode");
  std::uint32_t out = 0;
  const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), out, k_octal);
  if (failed != std::errc() || end != word.data() + word.size() || out > 07777) {
    fail();
  }
  return out;
}

os::Time time(const json& object) {
  const auto& value = object.at("mtime");
  if (!value.is_array() || value.size() != 2 || !value[0].is_number_integer()) {
    fail();
  }
  const auto nanoseconds = number(value[1]);
  if (nanoseconds >= k_nanoseconds) {
    fail();
  }
  return {value[0].get<std::int64_t>(), static_cast<std::uint32_t>(nanoseconds)};
}

/// Of a key, with `_hex` behind it where the bytes are no UTF-8.
std::string bytes(const json& object, const std::string& key) {
  const auto hex = object.find(key + "_hex");
  if (hex == object.end()) {
    return text(object, key.c_str());
  }
  const auto digits = hex->get<std::string>();
  std::string out;
  for (std::size_t i = 0; i + 1 < digits.size(); i += 2) {
    unsigned char byte = 0;
    std::from_chars(&digits[i], &digits[i] + 2, byte, 16);
    out += static_cast<char>(byte);
  }
  return out;
}

void put_bytes(json& object, const char* key, const std::string& value) {
  json path = snapshot::path_to_json(value);
  object[key] = std::move(path["path"]);
  if (path.contains("path_hex")) {
    object[std::string(key) + "_hex"] = std::move(path["path_hex"]);
  }
}

template<typename Enum> Enum word(const json& object, const char* key) {
  const auto out = os::from_word<Enum>(text(object, key));
  if (!out) {
    fail();
  }
  return *out;
}

json mode_and_time(std::uint32_t mode, os::Time mtime) {
  return json_object({{"mode", os::format("{:04o}", mode & 07777U)},
                      {"mtime", json::array({mtime.seconds, mtime.nanoseconds})}});
}

json json_of(const PackRecord& record) {
  json commits = json::array();
  for (const auto& [path, id] : record.commits) {
    commits.push_back(json_object({{"path", path}, {"commit", id}}));
  }
  json run = json_object({{"command", record.command},
                          {"folder", record.run_folder},
                          {"environment", record.environment},
                          {"options", json_object({{"guard", record.wishes.guard},
                                                   {"source_writes", record.wishes.source_writes},
                                                   {"uv", record.wishes.uv}})},
                          {"started", record.started},
                          {"guard", record.guard},
                          {"ended", nullptr},
                          {"status", nullptr},
                          {"signal", nullptr}});
  if (record.end) {
    run["ended"] = record.end->at;
    run["status"] = record.end->status;
    run["signal"] = record.end->signal;
  }
  return json_object({{"pack_version", k_pack_version},
                      {"name", record.name},
                      {"packed", record.packed},
                      {"source", json_object({{"commits", std::move(commits)},
                                              {"folder", record.folder},
                                              {"origin", record.origin},
                                              {"base", record.base},
                                              {"files", os::word_of(record.source.files)},
                                              {"git", os::word_of(record.source.git)},
                                              {"include", record.source.include}})},
                      {"options", record.options},
                      {"run", std::move(run)},
                      {"verdict", record.verdict},
                      {"versions", record.versions},
                      {"edits", json_object({{"modified", record.modified},
                                             {"added", record.added},
                                             {"deleted", record.deleted}})},
                      {"left_out", record.left_out}});
}

PackRecord record_of(const json& value) {
  if (number(value.at("pack_version")) != k_pack_version) {
    throw os::Error("the pack was made by another version of snapfix, in a form that this one does "
                    "not know",
                    "use the snapfix that made it, as its versions say");
  }
  PackRecord out;
  out.name = text(value, "name");
  out.packed = text(value, "packed");
  const json& source = value.at("source");
  out.folder = text(source, "folder");
  out.origin = text(source, "origin");
  out.base = text(source, "base");
  out.source.files = word<source::FileSet>(source, "files");
  out.source.git = word<source::Git>(source, "git");
  out.source.include = texts(source, "include");
  for (const auto& commit : source.at("commits").get_ref<const json::array_t&>()) {
    out.commits.push_back({text(commit, "path"), text(commit, "commit")});
  }
  const json& options = value.at("options");
  out.options = {texts(options, "exclude"), texts(options, "copy"), snapshot::LinkFrom::store,
                 word<snapshot::LinkMode>(options, "link_mode"), texts(options, "uv_locked")};
  const json& run = value.at("run");
  out.command = texts(run, "command");
  out.run_folder = text(run, "folder");
  out.environment = texts(run, "environment");
  const json& wishes = run.at("options");
  out.wishes = {text(wishes, "guard"), text(wishes, "source_writes"), text(wishes, "uv")};
  out.started = text(run, "started");
  out.guard = text(run, "guard");
  if (!run.at("ended").is_null()) {
    out.end = {text(run, "ended"), run.at("status").get<int>(), run.at("signal").get<int>()};
  }
  out.verdict = text(value, "verdict");
  out.left_out = texts(value, "left_out");
  return out;
}

json json_of(const PackedTree& tree) {
  json folders = json::array();
  for (const auto& folder : tree.folders) {
    auto& entry = folders.emplace_back(mode_and_time(folder.permissions, folder.mtime));
    put_bytes(entry, "path", folder.path);
  }
  json files = json::array();
  for (const auto& [file, from, lfs_id] : tree.files) {
    auto& entry = files.emplace_back(mode_and_time(file.mode, file.mtime));
    put_bytes(entry, "path", file.path);
    if (S_ISLNK(file.mode)) {
      put_bytes(entry, "target", file.target);
      continue;
    }
    entry["size"] = file.size;
    entry["id"] = file.content.hex();
    entry["from"] = os::word_of(from);
    if (from == Origin::lfs) {
      entry["lfs"] = lfs_id;
    }
  }
  return json_object({{"folders", std::move(folders)}, {"files", std::move(files)}});
}

PackedFile file_of(const json& entry) {
  PackedFile out;
  auto& file = out.file;
  file.path = bytes(entry, "path");
  file.mtime = time(entry);
  if (entry.contains("target")) {
    file.target = bytes(entry, "target");
    file.mode = S_IFLNK | 0777U;
    file.size = file.target.size();
    return out;
  }
  file.mode = S_IFREG | permissions(entry);
  file.size = number(entry.at("size"));
  const auto id = os::Hash::from_hex(text(entry, "id"));
  if (!id) {
    fail();
  }
  file.content = *id;
  out.from = word<Origin>(entry, "from");
  if (out.from == Origin::lfs) {
    out.lfs_id = text(entry, "lfs");
  }
  return out;
}

template<typename Read> auto reading(std::string_view text, const Read& read) {
  try {
    return read(os::parse_json(text));
  } catch (const json::exception&) {
    fail();
  }
}

} // namespace

std::string text_of(const PackRecord& record) {
  return os::text_of(json_of(record), 2) + "\n";
}

std::string text_of(const PackedTree& tree) {
  return os::text_of(json_of(tree), 1) + "\n";
}

PackRecord read_pack_record(std::string_view text) {
  return reading(text, record_of);
}

PackedTree read_packed_tree(std::string_view text) {
  return reading(text, [](const json& value) {
    PackedTree out;
    for (const auto& entry : value.at("folders").get_ref<const json::array_t&>()) {
      out.folders.push_back({bytes(entry, "path"), permissions(entry), time(entry)});
    }
    for (const auto& entry : value.at("files").get_ref<const json::array_t&>()) {
      out.files.push_back(file_of(entry));
    }
    return out;
  });
}

} // namespace snapfix::job
