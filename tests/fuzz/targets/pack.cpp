// The two texts of a pack, which may come from anybody: what is read is a tree, or refused.

#include "input.hpp"
#include "job/pack_record.hpp"
#include "job/packed_tree.hpp"
#include "os/error.hpp"
#include "source/listing.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

using namespace snapfix;

namespace {

void read_tree(std::string_view text) {
  const auto tree = job::read_packed_tree(text);
  std::vector<std::size_t> odd_symlinks;
  job::check_tree(tree, odd_symlinks);
  for (std::size_t i = 0; i < tree.files.size(); ++i) {
    const auto& file = tree.files[i].file;
    const auto whole = "/" + file.path + "/";
    for (const char* part : {"//", "/./", "/../", "/.git/", "/.GIT/"}) {
      require(whole.find(part) == std::string::npos);
    }
    const bool is_odd = std::ranges::find(odd_symlinks, i) != odd_symlinks.end();
    if (S_ISLNK(file.mode) && !is_odd) {
      require(!source::leaves_tree(source::folder_of(file.path), file.target));
    }
  }
  const auto again = job::read_packed_tree(job::text_of(tree)); // what is written is read
  require(again.files.size() == tree.files.size());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = text_of(data, size);
  try {
    job::text_of(job::read_pack_record(text));
  } catch (const os::Error&) {
  }
  try {
    read_tree(text);
  } catch (const os::Error&) {
  }
  return 0;
}
