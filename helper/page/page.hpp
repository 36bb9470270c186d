#pragma once

#include "page/night.hpp"

#include <string>
#include <string_view>

namespace snapfix::page {

/// The files of page/parts, as they were when this was built.
extern const std::string_view k_page_html; ///< with @NAMES@ for what page_of() puts there
extern const std::string_view k_page_css;
extern const std::string_view k_page_js;

/// The night as one HTML page, which needs nothing else: no network, and to be read no script.
std::string page_of(const Night& night);

/// The same as JSON, with `schema_version`.
std::string json_of(const Night& night);

/// Writes the page to that file, and its JSON beside it: FILE.json for FILE.html. Throws os::Error.
void write_page(const Night& night, const std::string& path);

} // namespace snapfix::page
