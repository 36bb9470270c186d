#include "guard/message_text.hpp"

#include "os/json.hpp"

#include <algorithm>
#include <cstring>

namespace snapfix::guard {
namespace {

using nlohmann::json;
using os::json_object;

json json_of(const Report& report) {
  json out = json_object({{"broken", json::array()},
                          {"calls", json::object()},
                          {"unjudged", report.unjudged},
                          {"failed", report.failed},
                          {"source_writes", json::array()},
                          {"source_writes_more", report.more_source_writes},
                          {"kernel", report.kernel}});
  for (const auto& [inode, program, call] : report.broken) {
    out["broken"].push_back(json_object({{"inode", inode}, {"program", program}, {"call", call}}));
  }
  for (const auto& [call, cost] : report.calls) {
    out["calls"][call] = json_object({{"count", cost.count}, {"seconds", cost.seconds}});
  }
  for (const auto& [path, program, call] : report.source_writes) {
    out["source_writes"].push_back(
        json_object({{"path", path}, {"program", program}, {"call", call}}));
  }
  return out;
}

Report report_of(const json& report) {
  Report out;
  for (const auto& file : report.at("broken")) {
    out.broken.push_back({file.at("inode"), file.at("program"), file.at("call")});
  }
  for (const auto& [call, cost] : report.at("calls").items()) {
    out.calls[call] = {cost.at("count"), cost.at("seconds")};
  }
  report.at("unjudged").get_to(out.unjudged);
  report.at("failed").get_to(out.failed);
  for (const auto& write : report.at("source_writes")) {
    out.source_writes.push_back({write.at("path"), write.at("program"), write.at("call")});
  }
  report.at("source_writes_more").get_to(out.more_source_writes);
  out.kernel = report.value("kernel", std::string()); // older ones do not say it
  return out;
}

} // namespace

/// A line of JSON, then the inodes, then the files of the source.
std::string text_of(const Protection& protection) {
  const json head = json_object({{"device", protection.device},
                                 {"seconds", protection.listed_seconds},
                                 {"nanoseconds", protection.listed_nanoseconds},
                                 {"tree", protection.tree},
                                 {"staging", protection.staging},
                                 {"meeting", protection.meeting},
                                 {"store", protection.store},
                                 {"inodes", protection.inodes.size()},
                                 {"source", protection.source.path},
                                 {"source_writes", protection.source.writes},
                                 {"root", protection.source.root},
                                 {"is_build_tree", protection.source.is_build_tree},
                                 {"git_folders", protection.source.git_folders}});
  std::string out = os::text_of(head) + "\n";
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

Protection protection_from(const std::string& text) {
  const std::size_t begin = text.find('\n') + 1;
  const auto head = os::parse_json(text.substr(0, begin));
  Protection out{head.at("device"),
                 {},
                 head.at("seconds"),
                 head.at("nanoseconds"),
                 head.at("tree"),
                 head.at("staging"),
                 head.at("meeting"),
                 head.at("store"),
                 {head.at("source"),
                  head.at("source_writes"),
                  head.at("root"),
                  head.at("is_build_tree"),
                  {},
                  head.at("git_folders")}};
  const std::size_t bytes = text.size() - begin;
  out.inodes.resize(std::min(head.at("inodes").get<std::size_t>(), bytes / sizeof(std::uint64_t)));
  if (!out.inodes.empty()) {
    std::memcpy(out.inodes.data(), &text[begin], out.inodes.size() * sizeof(std::uint64_t));
  }
  for (std::size_t at = begin + out.inodes.size() * sizeof(std::uint64_t); at < text.size();) {
    const auto end = std::min(text.find('\0', at), text.size());
    out.source.files.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string text_of(const Report& report) {
  return os::text_of(json_of(report));
}

Report report_from(const std::string& text) {
  return report_of(os::parse_json(text));
}

std::string text_of(const GuardedEnd& guarded) {
  json out = json_object({{"exit_code", guarded.end.exit_code},
                          {"signal", guarded.end.signal},
                          {"outlived", json::array()},
                          {"report", json_of(guarded.report)}});
  for (const auto& process : guarded.end.outlived) {
    out["outlived"].push_back(json_object({{"pid", process.pid}, {"name", process.name}}));
  }
  return os::text_of(out);
}

GuardedEnd guarded_end_from(const std::string& text) {
  const auto read = os::parse_json(text);
  GuardedEnd out{{read.at("exit_code"), read.at("signal"), {}}, report_of(read.at("report"))};
  for (const auto& process : read.at("outlived")) {
    out.end.outlived.push_back({process.at("pid"), process.at("name")});
  }
  return out;
}

} // namespace snapfix::guard
