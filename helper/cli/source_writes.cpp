#include "cli/source_writes.hpp"

#include "cli/report.hpp"
#include "os/error.hpp"
#include "os/format.hpp"
#include "snapshot/name.hpp"
#include "snapshot/run_record.hpp"

#include <array>
#include <cstdint>
#include <functional>

namespace snapfix::cli {
namespace {

constexpr std::size_t k_most_told = 10;
constexpr std::array<const char*, 3> k_words{"deny", "report", "allow"};
constexpr const char* k_remedy =
    "write below the snapshot (SNAPSHOT_DIR, or give the program a folder by ENVIRONMENT or an "
    "argument)";

using nlohmann::json;

/// What the record of a run says of its source.
struct Written {
  std::string mode;
  json calls = json::array();
  std::uint64_t count = 0;
};

Written written_by(const json& record) {
  const auto source = record.value("guard", json::object()).value("source", json::object());
  Written out{source.value("writes", ""), source.value("calls", json::array()), 0};
  out.count = out.calls.size() + source.value("more", std::uint64_t{0});
  return out;
}

void each_told(const Written& written, const std::function<void(const std::string&)>& print) {
  for (std::size_t i = 0; i < written.calls.size() && i < k_most_told; ++i) {
    const auto& call = written.calls[i];
    print(os::format("{} ({} of {})", os::quoted(call.value("path", "")), call.value("call", ""),
                     os::quoted(call.value("program", ""))));
  }
  if (written.count > k_most_told) {
    print(os::format("and {} more, see 'snapfix show --json' of a kept snapshot",
                     written.count - k_most_told));
  }
}

} // namespace

const char* to_text(guard::SourceWrites writes) {
  return k_words.at(static_cast<std::size_t>(writes));
}

void tell_source_writes(const json& record, const std::string& source) {
  const auto written = written_by(record);
  if (written.count == 0) {
    return;
  }
  const bool was_denied = written.mode == to_text(guard::SourceWrites::deny);
  os::note(os::format(
      "the command {} its source {}:", was_denied ? "was kept from writing (EROFS) to" : "wrote to",
      os::quoted(source)));
  each_told(written, [](const std::string& what) { os::print(stderr, "  {}\n", what); });
  print_hint(k_remedy);
  if (was_denied) {
    print_hint("renames are not kept from it: what sed -i or git checkout did there is done");
    print_hint("where it must write to the source: SOURCE_WRITES ALLOW (--source-writes allow)");
  }
}

std::vector<std::string> source_lines(const json& record) {
  const auto written = written_by(record);
  std::vector<std::string> out;
  if (written.count != 0) {
    const bool was_denied = written.mode == to_text(guard::SourceWrites::deny);
    out.push_back(os::format("writes     to the source, which {}:",
                             was_denied ? "failed (EROFS)" : "were let through"));
    each_told(written, [&](const std::string& what) { out.push_back("           " + what); });
  }
  return out;
}

json print_source_writes(const snapshot::Root& root, const std::string& name) {
  const auto record = snapshot::load_run(root, snapshot::folder_of_name(name));
  auto written = written_by(record.value_or(json::object()));
  if (written.count == 0 || written.mode != to_text(guard::SourceWrites::report)) {
    return json::array();
  }
  each_told(written, [](const std::string& what) {
    os::print(stderr, "snapfix: error: the command wrote to its source: {}\n", what);
  });
  print_hint(k_remedy);
  print_hint("SOURCE_WRITES DENY lets such calls fail, ALLOW lets them pass (--source-writes)");
  return std::move(written.calls);
}

} // namespace snapfix::cli
