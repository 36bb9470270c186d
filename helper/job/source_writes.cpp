#include "job/source_writes.hpp"

#include "guard/protection.hpp"
#include "os/error.hpp"
#include "os/format.hpp"

#include <cstdint>
#include <functional>

namespace snapfix::job {
namespace {

constexpr const char* k_remedy =
    "write below the snapshot (SNAPSHOT_DIR, or give the program a folder by ENVIRONMENT or an "
    "argument)";

std::uint64_t count_of(const snapshot::GuardReport& did) {
  return did.source_calls.size() + did.more_source_calls;
}

/// What the guard of a run did; nothing where the source was not written to.
const snapshot::GuardReport* written_by(const snapshot::RunRecord& record) {
  const auto& did = record.guard.report;
  return did && count_of(*did) != 0 ? &*did : nullptr;
}

bool was_denied(const snapshot::GuardReport& did) {
  return did.source_writes == os::word_of(guard::SourceWrites::deny);
}

void each_told(const snapshot::GuardReport& did,
               const std::function<void(const std::string&)>& print) {
  constexpr std::size_t k_most_told = 10;
  for (std::size_t i = 0; i < did.source_calls.size() && i < k_most_told; ++i) {
    const auto& [path, program, call] = did.source_calls[i];
    print(os::format("{} ({} of {})", os::quoted(path), call, os::quoted(program)));
  }
  if (count_of(did) > k_most_told) {
    print(os::format("and {} more, see 'snapfix show --json' of a kept snapshot",
                     count_of(did) - k_most_told));
  }
}

} // namespace

void tell_source_writes(const snapshot::RunRecord& record, const std::string& source) {
  const auto* did = written_by(record);
  if (did == nullptr) {
    return;
  }
  os::note(os::format("the command {} its source {}:",
                      was_denied(*did) ? "was kept from writing (EROFS) to" : "wrote to",
                      os::quoted(source)));
  each_told(*did, [](const std::string& what) { os::print(stderr, "  {}\n", what); });
  os::print_hint(k_remedy);
  if (was_denied(*did)) {
    os::print_hint("renames are not kept from it: what sed -i or git checkout did there is done");
    os::print_hint(
        "where it must write to the source: SOURCE_WRITES ALLOW (--source-writes allow)");
  }
}

std::vector<std::string> source_lines(const snapshot::RunRecord& record) {
  std::vector<std::string> out;
  if (const auto* did = written_by(record)) {
    out.push_back(os::format("writes     to the source, which {}:",
                             was_denied(*did) ? "failed (EROFS)" : "were let through"));
    each_told(*did, [&](const std::string& what) { out.push_back("           " + what); });
  }
  return out;
}

std::vector<snapshot::TouchedFile>
print_source_writes(const std::optional<snapshot::RunRecord>& run) {
  const auto* did = run ? written_by(*run) : nullptr;
  if (did == nullptr || did->source_writes != os::word_of(guard::SourceWrites::report)) {
    return {};
  }
  each_told(*did, [](const std::string& what) {
    os::print(stderr, "snapfix: error: the command wrote to its source: {}\n", what);
  });
  os::print_hint(k_remedy);
  os::print_hint("SOURCE_WRITES DENY lets such calls fail, ALLOW lets them pass (--source-writes)");
  return did->source_calls;
}

} // namespace snapfix::job
