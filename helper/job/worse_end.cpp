#include "job/worse_end.hpp"

#include <cstdint>
#include <tuple>

namespace snapfix::job {

bool is_worse(const snapshot::RunEnd& end, const snapshot::RunEnd& than,
              const snapshot::Verdict& verdict) {
  enum class Outcome : std::uint8_t { passed, skipped, failed };
  const auto badness = [&](const snapshot::RunEnd& of) {
    const bool has_failed = of.signal != 0 || (of.status != 0) != verdict.will_fail;
    const auto outcome = of.signal == 0 && verdict.skip_return_code == of.status ? Outcome::skipped
                         : has_failed                                            ? Outcome::failed
                                                                                 : Outcome::passed;
    return std::tuple(outcome, of.signal != 0, of.status);
  };
  return badness(end) > badness(than);
}

} // namespace snapfix::job
