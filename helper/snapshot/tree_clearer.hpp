#pragma once

#include "os/dir.hpp"
#include "snapshot/known_folders.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/old_tree.hpp"
#include "snapshot/placer.hpp"
#include "snapshot/root.hpp"
#include "snapshot/tree.hpp"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// Clears from the folders of a tree what is not as it should be. Several threads may clear
/// different folders.
class TreeClearer {
public:
  /// `children`: for each folder of the base those in it that the tree is to have, by name. `old`:
  /// what is to stay beside it belongs to jobs; nothing: all else goes. `out` is told of the files
  /// that stay. All must outlive this.
  TreeClearer(const Root& root, const Base& base,
              const std::vector<std::vector<std::size_t>>& children, const KnownFolders& known,
              const OldTree* old, Placer& placer, MadeTree& out)
      : m_base(base), m_children(children), m_known(known), m_old(old), m_placer(placer),
        m_out(out), m_work(root.work().stat()), m_work_xattrs(root.work().xattrs()),
        m_flags(os::is_local(root.work()) ? std::optional(root.work().flags().inherited())
                                          : std::nullopt) {}

  /// What is there as it should be, of the files and of the children of a folder.
  struct Standing {
    std::vector<bool> files;
    std::vector<bool> children;
  };

  /// Removes every entry of that folder of the base that is not as it should be. Throws os::Error.
  Standing clear_differing(const os::Dir& dir, std::size_t index);

  /// Removes an entry that is not as it should be, unless it is to stay: what jobs have made, where
  /// the base has nothing. Throws os::Error.
  void clear_entry(const os::Dir& dir, std::size_t index, const char* name,
                   const os::Stat& stat) const;

  /// Lets us into the children of a known folder that a job has closed, and that are to be
  /// refreshed. Throws os::Error.
  void open_up_children(const os::Dir& dir, std::size_t index) const;

  /// Throws os::Error if what jobs have given folders cannot be told from what all folders get.
  void require_attributes_told() const;

  /// Takes the ACLs and other extended attributes from a folder that a job gave it, unless that is
  /// to stay. Throws os::Error, also if a job set flags of the folder (`chattr`), as far as the
  /// file system is local.
  void take_back_attributes(const os::Dir& dir) const;

  /// Whether it belongs to whom a new one would; beside what jobs have made, the owner must be
  /// right.
  bool is_ours(const os::Stat& stat) const;

private:
  void let_in(const os::Dir& dir, std::size_t child, const os::Stat& stat) const;
  std::optional<std::size_t> find_child(std::size_t index, const char* name) const;
  std::optional<std::size_t> find_file(std::size_t index, const char* name) const;
  bool stands(const os::Dir& dir, std::size_t index, const os::Stat& stat,
              const std::string& folder_path);
  const char* name_of(std::size_t folder) const {
    return m_base.text(m_base.folders()[folder].name);
  }

  bool is_inherited(const std::string& attribute) const;

  const Base& m_base;
  const std::vector<std::vector<std::size_t>>& m_children;
  const KnownFolders& m_known;
  const OldTree* m_old;
  Placer& m_placer;
  MadeTree& m_out;
  // Of the folder in which new trees are made:
  os::Stat m_work;
  std::vector<std::string> m_work_xattrs;
  std::optional<os::FolderFlags> m_flags; ///< that new folders have; a server is not asked
};

} // namespace snapfix::snapshot
