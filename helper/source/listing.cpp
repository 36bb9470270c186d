#include "source/listing.hpp"

#include "source/glob.hpp"

#include <algorithm>
#include <numeric>

namespace snapfix::source {
namespace {

constexpr std::size_t k_stretch = std::size_t{64} * 1024;

/// Byte order with `/` before everything else: a folder's whole subtree is one stretch.
bool in_tree_order(const std::string& left, const std::string& right) {
  return std::ranges::lexicographical_compare(
      left, right, {}, [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; },
      [](char c) { return c == '/' ? 0 : static_cast<unsigned char>(c) + 1; });
}

} // namespace

ListingBuilder::ListingBuilder() {
  m_listing.folders.push_back({"", 0, {}, true});
  m_index.emplace("", 0);
}

/// In stretches that never grow beyond their capacity, so that what points into them stays.
std::string_view ListingBuilder::keep(std::string_view name) {
  auto& texts = m_listing.texts;
  if (texts.empty() || texts.back().capacity() - texts.back().size() <= name.size()) {
    texts.emplace_back().reserve(std::max(k_stretch, name.size() + 1));
  }
  const std::size_t begin = texts.back().size();
  texts.back().append(name).push_back('\0');
  return std::string_view(texts.back()).substr(begin, name.size());
}

std::size_t ListingBuilder::folder_index(std::string_view path) {
  if (path == m_last_path) {
    return m_last_index;
  }
  const std::string key(path);
  std::size_t index = 0;
  if (const auto found = m_index.find(key); found != m_index.end()) {
    index = found->second;
  } else {
    const std::size_t parent = folder_index(folder_of(path));
    index = m_listing.folders.size();
    m_listing.folders.push_back({key, parent, {}, false});
    m_index.emplace(key, index);
  }
  m_last_path = key;
  m_last_index = index;
  return index;
}

void ListingBuilder::add_file(std::string_view prefix, std::string_view path, bool skip_worktree) {
  const auto folder = folder_of(path);
  std::size_t index = 0;
  if (prefix.empty()) {
    index = folder_index(folder);
  } else {
    std::string whole(prefix);
    whole += folder;
    if (folder.empty()) {
      whole.pop_back();
    }
    index = folder_index(whole);
  }
  m_listing.folders[index].names.push_back({keep(name_of(path)), skip_worktree});
}

void ListingBuilder::add_folder(const std::string& path) {
  m_listing.folders[folder_index(path)].keep_if_empty = true;
}

void ListingBuilder::drop_folder(const std::string& path) {
  for (auto& folder : m_listing.folders) {
    if (is_below(folder.path, path)) {
      folder.names.clear();
      folder.keep_if_empty = false;
    }
  }
  std::erase_if(m_work_trees, [&](const std::string& tree) { return is_below(tree, path); });
}

bool ListingBuilder::holds_a_file() const noexcept {
  return std::ranges::any_of(m_listing.folders,
                             [](const ListedFolder& folder) { return !folder.names.empty(); });
}

std::vector<std::string> ListingBuilder::folders_holding(std::string_view name) const {
  std::vector<std::string> out;
  for (const auto& folder : m_listing.folders) {
    if (std::ranges::any_of(folder.names, [&](const auto& held) { return held.name == name; })) {
      out.push_back(folder.path);
    }
  }
  return out;
}

Listing ListingBuilder::finish() {
  auto& folders = m_listing.folders;
  std::vector<std::size_t> order(folders.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::sort(order, in_tree_order,
                    [&](std::size_t i) -> const std::string& { return folders[i].path; });
  std::vector<std::size_t> place(folders.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    place[order[i]] = i;
  }
  std::vector<ListedFolder> sorted;
  sorted.reserve(folders.size());
  for (const std::size_t i : order) {
    auto& folder = sorted.emplace_back(std::move(folders[i]));
    folder.parent = place[folder.parent];
    if (!std::ranges::is_sorted(folder.names, {}, &ListedName::name)) {
      std::ranges::sort(folder.names, {}, &ListedName::name);
    }
    // A path in conflict is listed once a stage.
    const auto same_name = [](const auto& left, const auto& right) {
      return left.name == right.name;
    };
    folder.names.erase(std::unique(folder.names.begin(), folder.names.end(), same_name),
                       folder.names.end());
  }
  folders = std::move(sorted);
  m_index.clear();
  return std::move(m_listing);
}

std::optional<os::Dir> open_below(const os::Dir& top, std::string_view path) {
  auto here = top.try_open_child(".");
  for (const auto component : split_path(path)) {
    if (!here) {
      return std::nullopt;
    }
    here = here->try_open_child(std::string(component).c_str());
  }
  return here;
}

bool lies_in_git(std::string_view path) noexcept {
  constexpr std::string_view k_git = k_dot_git;
  for (auto at = path.find(k_git); at != std::string_view::npos; at = path.find(k_git, at + 1)) {
    const auto end = at + k_git.size();
    if ((at == 0 || path[at - 1] == '/') && (end == path.size() || path[end] == '/')) {
      return true;
    }
  }
  return false;
}

std::optional<os::Dir> open_below(const SourceDirs& dirs, std::string_view path) {
  if (!lies_in_git(path)) {
    return open_below(dirs.top, path);
  }
  return dirs.git ? open_below(*dirs.git, path) : std::nullopt;
}

std::string_view folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string path_below(std::string_view folder, std::string_view name) {
  std::string out(folder);
  if (!folder.empty() && !name.empty()) {
    out += '/';
  }
  return out += name;
}

bool leaves_tree(std::string_view folder, std::string_view target) {
  if (target.starts_with('/')) {
    return true;
  }
  auto level = static_cast<std::ptrdiff_t>(split_path(folder).size());
  for (const auto component : split_path(target)) {
    if (component == "..") {
      --level;
    } else if (component != ".") {
      ++level;
    }
    if (level < 0) {
      return true;
    }
  }
  return false;
}

bool is_below(std::string_view path, std::string_view folder) noexcept {
  return folder.empty() || (folder == "/" && path.starts_with('/')) ||
         (path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/'));
}

} // namespace snapfix::source
