#pragma once

#include "os/words.hpp"
#include "snapshot/assembly.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/run_record.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace snapfix::job {

/// Of a pack's form: it goes up when another helper would misread one.
inline constexpr int k_pack_version = 1;

/// The commit of the work tree, or of a submodule of it.
struct PackedCommit {
  std::string path; ///< relative to the work tree's top; empty for that itself
  std::string id;
};

/// Whence the content of a file comes.
enum class Origin : std::uint8_t {
  commit,  ///< it is the commit's
  pack,    ///< it lies in the pack
  lfs,     ///< Git LFS holds it
  left_out ///< it is too big, or looks like a secret
};

struct PackedFile {
  snapshot::PartFile file;
  Origin from = Origin::commit;
  std::string lfs_id; ///< SHA-256, of what Git LFS holds
};

/// All files of the layout.
struct PackedTree {
  std::vector<snapshot::PartFolder> folders;
  std::vector<PackedFile> files;
};

/// What people read first: `record.json`.
struct PackRecord {
  std::string name;
  std::string packed; ///< when
  std::string folder; ///< the source, relative to its work tree's top; empty for that itself
  std::string origin; ///< the URL of that remote
  std::vector<PackedCommit> commits; ///< the work tree's first; none where there is no repository
  std::string base;
  snapshot::BaseMeta source; ///< files and include
  snapshot::RecordedOptions options;

  std::vector<std::string> command;
  std::string run_folder; ///< relative to the snapshot
  std::vector<std::string> environment;
  snapshot::RunWishes wishes;
  std::string started;
  std::optional<snapshot::RunEnd> end;
  std::string guard;
  std::string verdict;

  std::map<std::string, std::string> versions;
  std::vector<std::string> modified; ///< paths that differ from the commit
  std::vector<std::string> added;
  std::vector<std::string> deleted;
  std::vector<std::string> left_out; ///< paths, variables and words that are not in the pack
};

std::string text_of(const PackRecord& record);
std::string text_of(const PackedTree& tree);

/// Throw os::Error where the text is not that of a record, or of one of another version.
PackRecord read_pack_record(std::string_view text);
PackedTree read_packed_tree(std::string_view text);

} // namespace snapfix::job

template<>
inline constexpr std::array snapfix::os::k_words<snapfix::job::Origin>{"commit", "pack", "lfs",
                                                                       "left out"};
