// The dashboard: one page, its script and its style, compiled in. It asks the same API as everybody
// else and keeps a token only in the page's memory.
#pragma once

#include <string_view>

namespace rollbackd::api {

std::string_view dashboard_html();
std::string_view dashboard_script();
std::string_view dashboard_style();

}  // namespace rollbackd::api
