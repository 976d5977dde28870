#include "api/page.hpp"

namespace rollbackd::api {

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    auto const* const end = text.data() + text.size();
    auto const [stop, code] = std::from_chars(text.data(), end, value);
    if (text.empty() || code != std::errc() || stop != end) return std::nullopt;
    return value;
}

Page page_of(Request const& request) {
    Page page;
    page.cursor = request.query_value("cursor");
    if (auto const limit = parse_number(request.query_value("limit"))) page.limit = *limit;
    return page;
}

Response answer_list(JsonArray items, std::optional<std::string> const& next) {
    JsonObject body;
    body["items"] = std::move(items);
    body["next"] = to_json(next);
    return answer(body);
}

}  // namespace rollbackd::api
