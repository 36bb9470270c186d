#pragma once

#include "snapshot/root.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace snapfix::snapshot {

// What the last run of a snapshot left, as JSON: `command`, `environment`, `folder`, `host`,
// `started`, and from its end on `ended`, `status` or `signal`, `outlived`, `changes`. Only its
// owner can read it: an environment may hold secrets.

/// Nothing if there is no record. What it gives has the types that belong to it; of a damaged
/// record it gives nothing but that there was a run: an empty object.
std::optional<nlohmann::json> load_run(const Root& root, const std::string& folder);
void write_run(const Root& root, const std::string& folder, const nlohmann::json& record);

/// Whether the run came to its end and left no process behind.
bool ended_cleanly(const nlohmann::json& record);

} // namespace snapfix::snapshot
