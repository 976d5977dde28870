// The dashboard as it is sent: what Vite made of src/, compiled in by build.py, each file plain and
// gzipped. It asks the same API as everybody else.
#pragma once

#include <span>
#include <string_view>

namespace rollbackd::api {

struct Asset {
    std::string_view name;  // "index.html", "assets/index-Ab12Cd34.js"
    std::string_view type;
    std::string_view tag;  // changes with the content
    std::string_view plain;
    std::string_view gzip;
};

std::span<Asset const> dashboard_assets();

}  // namespace rollbackd::api
