#pragma once

#include "os/parallel.hpp"
#include "os/words.hpp"
#include "source/glob.hpp"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace snapfix::snapshot {

/// What a snapshot is linked from.
enum class LinkFrom : std::uint8_t {
  store, ///< private copies under the root
  source ///< the source's own files: not one copy, but a write in place reaches both sides
};

enum class LinkMode : std::uint8_t { hardlink, reflink, copy };

/// How a snapshot is made of a base.
struct TreeOptions {
  source::GlobSet exclude;
  source::GlobSet copy; ///< private from the start
  LinkMode link_mode = LinkMode::hardlink;
  LinkFrom link_from = LinkFrom::store;
  /// The uv projects, relative to the source, whose lock is not to change.
  std::vector<std::string> uv_locked;
  bool strict = false; ///< a link or reflink that is refused is an error, not a copy
  unsigned workers = os::k_adapt;
};

/// The options that a snapshot was made with, as they are recorded.
struct RecordedOptions {
  std::vector<std::string> exclude;
  std::vector<std::string> copy;
  LinkFrom link_from = LinkFrom::store;
  LinkMode link_mode = LinkMode::hardlink;
  std::vector<std::string> uv_locked;

  /// Of those that make a difference between two snapshots of one base.
  static RecordedOptions of(const TreeOptions& options) {
    return {options.exclude.patterns(), options.copy.patterns(), options.link_from,
            options.link_mode, options.uv_locked};
  }

  /// Puts them in the place of those of `options`, for a snapshot of that source.
  void put_into(TreeOptions& options, const std::string& source) const {
    options.exclude = source::GlobSet(exclude, source);
    options.copy = source::GlobSet(copy, source);
    options.link_from = link_from;
    options.link_mode = link_mode;
    options.uv_locked = uv_locked;
  }

  bool operator==(const RecordedOptions&) const = default;
};

/// As JSON, for messages.
std::string to_text(const RecordedOptions& options);

} // namespace snapfix::snapshot

template<>
inline constexpr std::array snapfix::os::k_words<snapfix::snapshot::LinkFrom>{"store", "source"};
template<>
inline constexpr std::array snapfix::os::k_words<snapfix::snapshot::LinkMode>{"hardlink", "reflink",
                                                                              "copy"};
