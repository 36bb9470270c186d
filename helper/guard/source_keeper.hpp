#pragma once

#include "guard/listener.hpp"
#include "guard/reported_call.hpp"
#include "guard/source_trees.hpp"
#include "guard/verdict.hpp"

#include <optional>
#include <string>
#include <vector>

namespace snapfix::guard {

/// Says of calls that would change a source what a mount of it that may only be read would say, and
/// keeps record of them. Several threads may ask.
class SourceKeeper {
public:
  explicit SourceKeeper(const Listener& listener) : m_listener(listener) {}

  SourceTrees& trees() noexcept { return m_trees; }

  /// What becomes of a call on that file; nothing if no source has anything against it.
  std::optional<Verdict> keep(ReportedCall& call, const NamedFile& file);
  /// The same of a call that makes a file there.
  std::optional<Verdict> keep_missing(ReportedCall& call, const Place& missing);

private:
  std::optional<Verdict> keep_path(ReportedCall& call,
                                   const std::vector<SourceTrees::Tree*>& sources,
                                   const std::string& path, int error_number);

  const Listener& m_listener;
  SourceTrees m_trees;
};

} // namespace snapfix::guard
