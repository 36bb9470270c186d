#include "guard/protection.hpp"

#include "guard/channel.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstring>

namespace snapfix::guard {

std::string to_message(const Protection& protection) {
  const nlohmann::json head{{"device", protection.device},
                            {"seconds", protection.listed_seconds},
                            {"nanoseconds", protection.listed_nanoseconds},
                            {"tree", protection.tree},
                            {"staging", protection.staging},
                            {"store", protection.store},
                            {"inodes", protection.inodes.size()},
                            {"source", protection.source.path},
                            {"source_writes", protection.source.writes},
                            {"root", protection.source.root},
                            {"is_build_tree", protection.source.is_build_tree}};
  std::string out = dump(head) + "\n";
  const std::size_t begin = out.size();
  out.resize(begin + protection.inodes.size() * sizeof(std::uint64_t));
  if (!protection.inodes.empty()) {
    std::memcpy(&out[begin], protection.inodes.data(), out.size() - begin);
  }
  for (const auto& file : protection.source.files) {
    out.append(file).push_back('\0');
  }
  return out;
}

Protection protection_from(const std::string& message) {
  const std::size_t begin = message.find('\n') + 1;
  const auto head = nlohmann::json::parse(message.substr(0, begin));
  Protection out{
      head.at("device"),
      {},
      head.at("seconds"),
      head.at("nanoseconds"),
      head.at("tree"),
      head.at("staging"),
      head.at("store"),
      {head.at("source"), head.at("source_writes"), head.at("root"), head.at("is_build_tree"), {}}};
  const std::size_t bytes = message.size() - begin;
  out.inodes.resize(std::min(head.at("inodes").get<std::size_t>(), bytes / sizeof(std::uint64_t)));
  if (!out.inodes.empty()) {
    std::memcpy(out.inodes.data(), &message[begin], out.inodes.size() * sizeof(std::uint64_t));
  }
  for (std::size_t at = begin + out.inodes.size() * sizeof(std::uint64_t); at < message.size();) {
    const auto end = std::min(message.find('\0', at), message.size());
    out.source.files.push_back(message.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

} // namespace snapfix::guard
