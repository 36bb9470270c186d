#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace snapfix::snapshot {

// The records that are kept as JSON: BaseMeta, SnapshotMeta, RunRecord, HoldRecord, FrozenRecord,
// Ledger, History.

/// A record from its text. Nothing where it is damaged (no JSON, a key that is missing, a value of
/// another type), or of another version.
template<typename Record> std::optional<Record> read_record(std::string_view text);

/// Whether a record's text is of a newer version than ours; not if it is damaged.
bool is_newer(std::string_view text);

/// The text of a record, on one line. Bytes that are no UTF-8, which JSON cannot hold, are
/// replaced.
template<typename Record> std::string text_of(const Record& record);

} // namespace snapfix::snapshot
