#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace snapfix::lint {
struct Report;
}
namespace snapfix::os {
struct Hash;
struct Probe;
} // namespace snapfix::os
namespace snapfix::snapshot {
struct ChangedName;
struct Created;
struct Description;
struct Finished;
struct Frozen;
struct Listed;
struct Pruned;
struct PruneOptions;
struct RunRecord;
struct SourceOutcome;
struct TouchedFile;
struct Verified;
} // namespace snapfix::snapshot

namespace snapfix::cli {

// Reports for programs, as docs/reference.md lists them: JSON on stdout, with `schema_version`.
// Bytes that are no UTF-8 become replacement characters.

using SourceWrites = std::vector<snapshot::TouchedFile>;

void print_json(const snapshot::Frozen& frozen);
void print_json(const snapshot::Created& created, const std::string& name);
void print_json(const snapshot::Verified& verified, const std::string& name,
                const SourceWrites& source_writes);
void print_json(const snapshot::Finished& finished, const std::string& name,
                const SourceWrites& source_writes);
void print_json(const snapshot::Description& snapshot);
void print_json(const snapshot::Listed& listed);
void print_json(const snapshot::Pruned& pruned, const snapshot::PruneOptions& how,
                const std::optional<std::string>& former_root);
void print_json(const lint::Report& report);
void print_json(const std::string& folder, const std::string& file_system,
                const std::vector<os::Probe>& probes, const std::string& root,
                const std::optional<std::string>& former_root);

/// From the first of those snapshots to the second, or to the first from that base.
void print_json(const std::vector<snapshot::ChangedName>& changes,
                const std::vector<std::string>& names, const os::Hash& base);

/// By source.
void print_json(const std::map<std::string, snapshot::SourceOutcome>& sources);

/// Writes a run's record, but for its environment, to a file that the user named. Throws os::Error.
void write_json(const std::string& path, const std::string& name,
                const snapshot::RunRecord& record);

} // namespace snapfix::cli
