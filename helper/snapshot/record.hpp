#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace snapfix::snapshot {

/// A record from its JSON text, by its from_json. Nothing where it is damaged: no JSON, a key that
/// is missing, a value of another type.
template<typename Record> std::optional<Record> read_record(std::string_view text) {
  try {
    return nlohmann::json::parse(text).get<Record>();
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

/// JSON on one line. Bytes that are no UTF-8, which JSON cannot hold, are replaced.
inline std::string text_of(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

} // namespace snapfix::snapshot
