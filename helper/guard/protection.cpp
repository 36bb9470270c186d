#include "guard/protection.hpp"

#include "guard/channel.hpp"

#include <nlohmann/json.hpp>

#include <cstring>

namespace snapfix::guard {

std::string to_message(const Protection& protection) {
  const nlohmann::json head{{"device", protection.device},
                            {"seconds", protection.listed_seconds},
                            {"nanoseconds", protection.listed_nanoseconds},
                            {"tree", protection.tree},
                            {"staging", protection.staging},
                            {"store", protection.store}};
  std::string out = dump(head) + "\n";
  const std::size_t begin = out.size();
  out.resize(begin + protection.inodes.size() * sizeof(std::uint64_t));
  if (!protection.inodes.empty()) {
    std::memcpy(&out[begin], protection.inodes.data(), out.size() - begin);
  }
  return out;
}

Protection protection_from(const std::string& message) {
  const std::size_t begin = message.find('\n') + 1;
  const auto head = nlohmann::json::parse(message.substr(0, begin));
  Protection out{head.at("device"),  {},
                 head.at("seconds"), head.at("nanoseconds"),
                 head.at("tree"),    head.at("staging"),
                 head.at("store")};
  out.inodes.resize((message.size() - begin) / sizeof(std::uint64_t));
  if (!out.inodes.empty()) {
    std::memcpy(out.inodes.data(), &message[begin], message.size() - begin);
  }
  return out;
}

} // namespace snapfix::guard
