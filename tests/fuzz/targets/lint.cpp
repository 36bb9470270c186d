// One byte says which language, the rest is a file of it.

#include "lint/lint.hpp"

#include "input.hpp"

#include <array>

using namespace snapfix;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  // In a folder that is not there, so that no script that the text names is looked for.
  constexpr std::array<const char*, 6> k_paths{"/none/a.sh",       "/none/a.py",
                                               "/none/a.yml",      "/none/Makefile",
                                               "/none/Dockerfile", "/none/justfile"};
  const char* path = k_paths.at(data[0] % k_paths.size());
  const auto assume = data[0] >= 0x80 ? lint::AssumeLocked::yes : lint::AssumeLocked::no;
  const auto text = text_of(data + 1, size - 1);
  lint::WorkTrees trees;
  const auto findings = lint::lint_text(path, text, assume, trees);
  std::size_t last = 0;
  for (const auto& finding : findings) {
    require(finding.begin >= last && finding.begin < text.size());
    require(finding.end <= text.size());
    require(!finding.message.empty());
    last = finding.begin;
  }
  const auto fixed = lint::fixed_text(text, findings);
  require(fixed.size() >= text.size());
  lint::lint_text(path, fixed, assume, trees);
  return 0;
}
