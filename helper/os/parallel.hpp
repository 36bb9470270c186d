#pragma once

#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace snapfix::os {

/// Calls work(i) for each i below `count` from `workers` threads, this one among them. The first
/// exception ends the work and is thrown here; none is dropped silently while others still run.
template<typename Work> void for_each_index(std::size_t count, unsigned workers, const Work& work) {
  std::atomic<std::size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  const auto take_turns = [&] {
    for (std::size_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) {
      try {
        work(i);
      } catch (...) {
        const std::scoped_lock lock(mutex);
        if (!failure) {
          failure = std::current_exception();
        }
        next.store(count);
      }
    }
  };
  {
    std::vector<std::jthread> threads;
    for (unsigned i = 1; i < workers && i < count; ++i) {
      threads.emplace_back(take_turns);
    }
    take_turns();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

} // namespace snapfix::os
