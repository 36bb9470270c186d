#pragma once

#include "os/json.hpp"
#include "snapshot/frozen.hpp"
#include "snapshot/history.hpp"
#include "snapshot/hold.hpp"
#include "snapshot/ledger.hpp"
#include "snapshot/manifest.hpp"
#include "snapshot/run_record.hpp"

#include <string>

namespace snapfix::snapshot {

// Records as JSON, for what keeps them and what reports them.

void to_json(nlohmann::json& json, const Ledger& ledger);
void to_json(nlohmann::json& json, const BaseMeta& meta);
void to_json(nlohmann::json& json, const RecordedOptions& options);
void to_json(nlohmann::json& json, const SnapshotMeta& meta);
void to_json(nlohmann::json& json, const FrozenRecord& record);
void to_json(nlohmann::json& json, const TouchedFile& file);
void to_json(nlohmann::json& json, const RunTimes& times);
void to_json(nlohmann::json& json, const RunRecord& record);
void to_json(nlohmann::json& json, const HoldRecord& record);
void to_json(nlohmann::json& json, const TreeCost& tree);
void to_json(nlohmann::json& json, const RunDetails& details);
void to_json(nlohmann::json& json, const PastRun& run);
void to_json(nlohmann::json& json, const History& history);

/// A path for JSON, which holds no bytes that are not UTF-8: `path`, and there `path_hex` as well.
nlohmann::json path_to_json(const std::string& path);

} // namespace snapfix::snapshot
