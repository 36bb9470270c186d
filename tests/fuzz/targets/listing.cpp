// What git prints, in pieces of the size that the first byte says.

#include "source/listing.hpp"

#include "input.hpp"
#include "source/git_list.hpp"

#include <algorithm>
#include <string>
#include <vector>

using namespace snapfix::source;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  ListingBuilder builder;
  std::vector<std::string> folders;
  GitList list([&](const GitListed& listed) {
    if (listed.kind == GitListed::Kind::file) {
      builder.add_file("", listed.path, listed.skip_worktree);
      builder.add_file("prefix/", listed.path);
    } else {
      builder.add_folder(folders.emplace_back(listed.path));
    }
  });
  const std::size_t piece = data[0] + 1U;
  for (auto text = text_of(data + 1, size - 1); !text.empty();) {
    list.take(text.substr(0, piece));
    text.remove_prefix(std::min(piece, text.size()));
  }
  list.fault();
  if (!folders.empty()) {
    builder.drop_folder(folders[0]);
  }
  builder.folders_holding("CMakeCache.txt");
  const Listing listing = builder.finish();
  for (std::size_t i = 0; i < listing.folders.size(); ++i) {
    const auto& folder = listing.folders[i];
    require(i == 0 ? folder.path.empty() : folder.parent < i);
    require(is_below(folder.path, listing.folders[folder.parent].path));
    require(!folder.path.starts_with('/') && !leaves_tree("", folder.path));
    require(std::ranges::is_sorted(folder.names, std::ranges::less_equal(), &ListedName::name) ||
            folder.names.size() < 2);
    for (const auto& name : folder.names) {
      require(!name.name.empty() && name.name != ".." && name.name != ".git");
      require(name.name.find('/') == std::string_view::npos);
      require(name.name.data()[name.name.size()] == '\0');
    }
  }
  return 0;
}
