#include "api/page.hpp"

namespace rollbackd::api {

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t value = 0;
    auto const* const end = text.data() + text.size();
    auto const [stop, code] = std::from_chars(text.data(), end, value);
    if (text.empty() || code != std::errc() || stop != end) return std::nullopt;
    return value;
}

Result<Page> page_of(Request const& request) {
    Page page;
    page.cursor = request.query_value("cursor");
    auto const limit = request.query.find("limit");
    if (limit == request.query.end()) return page;
    auto const number = parse_number(limit->second);
    if (!number || *number == 0 || *number > Page::limit_max) {
        return fail(
            Errc::invalid, "limit must be a number from 1 to " + std::to_string(Page::limit_max)
        );
    }
    page.limit = *number;
    return page;
}

Response answer_list(JsonArray items, std::optional<std::string> const& next) {
    JsonObject body;
    body["items"] = std::move(items);
    body["next"] = to_json(next);
    return answer(body);
}

}  // namespace rollbackd::api
