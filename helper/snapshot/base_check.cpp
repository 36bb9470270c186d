#include "snapshot/base_check.hpp"

#include <vector>

namespace snapfix::snapshot {
namespace {

constexpr std::uint32_t k_second = 1'000'000'000; ///< in nanoseconds

/// Whether it names an entry of a folder: a path of one component.
bool is_entry_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos;
}

class BaseCheck {
public:
  BaseCheck(std::span<const FolderRecord> folders, std::span<const FileRecord> files,
            std::string_view texts)
      : m_folders(folders), m_files(files), m_texts(texts) {}

  bool is_sound() {
    if (m_folders.empty() || m_texts.empty() || m_texts.back() != '\0') {
      return false;
    }
    for (std::size_t i = 0; i < m_folders.size(); ++i) {
      if (!is_sound_folder(i) || !has_sound_files(m_folders[i])) {
        return false;
      }
    }
    return m_files_seen == m_files.size();
  }

private:
  bool has_text(std::uint32_t offset) const { return offset < m_texts.size(); }
  std::string_view text(std::uint32_t offset) const { return &m_texts[offset]; }

  bool is_sound_folder(std::size_t index) {
    const FolderRecord& folder = m_folders[index];
    if (!has_text(folder.path) || !has_text(folder.name) || folder.permissions > 07777 ||
        folder.mtime_nanoseconds >= k_second) {
      return false;
    }
    if (index == 0) {
      m_way.push_back(0);
      return folder.parent == 0 && text(folder.path).empty() && folder.name == folder.path;
    }
    while (!m_way.empty() && m_way.back() != folder.parent) {
      m_way.pop_back();
    }
    if (m_way.empty()) {
      return false; // not behind the folder that holds it, or torn apart
    }
    m_way.push_back(index);
    const std::string_view path = text(folder.path);
    const std::string_view above = text(m_folders[folder.parent].path);
    const std::size_t name_at = above.empty() ? 0 : above.size() + 1;
    return path.size() > name_at && folder.name == folder.path + name_at &&
           is_entry_name(path.substr(name_at)) &&
           (above.empty() || (path.starts_with(above) && path[above.size()] == '/'));
  }

  bool has_sound_files(const FolderRecord& folder) {
    if (folder.first_file != m_files_seen || folder.file_count > m_files.size() - m_files_seen) {
      return false;
    }
    std::string_view last;
    for (const FileRecord& file : m_files.subspan(folder.first_file, folder.file_count)) {
      if (!has_text(file.name) || file.mtime_nanoseconds >= k_second ||
          (!S_ISREG(file.mode) && !file.is_symlink()) ||
          (file.is_symlink() && (!has_text(file.target) || text(file.target).empty()))) {
        return false;
      }
      const std::string_view name = text(file.name);
      if (!is_entry_name(name) || name <= last) {
        return false;
      }
      last = name;
    }
    m_files_seen += folder.file_count;
    return true;
  }

  std::span<const FolderRecord> m_folders;
  std::span<const FileRecord> m_files;
  std::string_view m_texts;
  std::vector<std::size_t> m_way; ///< from the top to the folder that was looked at last
  std::size_t m_files_seen = 0;
};

} // namespace

bool is_sound_base(std::span<const FolderRecord> folders, std::span<const FileRecord> files,
                   std::string_view texts) {
  return BaseCheck(folders, files, texts).is_sound();
}

} // namespace snapfix::snapshot
