// Lists: {"items":[…],"next":…} with ?limit and ?cursor. The cursor is the key of the last item
// shown, so items added meanwhile neither repeat nor skip others.
#pragma once

#include "api/problem.hpp"
#include "api/request.hpp"

#include <charconv>

namespace rollbackd::api {

struct Page {
    std::size_t limit = 100;
    std::string cursor;
};

/// limit and cursor are as the document says.
Page page_of(Request const& request);
/// A whole number without sign or blanks.
std::optional<std::uint64_t> parse_number(std::string_view text);
Response answer_list(JsonArray items, std::optional<std::string> const& next);

/// `key(item)` is unique and stays; `render(item)` is one item's JSON.
template <class Items, class Key, class Render>
Response answer_page(Request const& request, Items const& items, Key key, Render render) {
    auto const page = page_of(request);
    auto at = items.begin();
    if (!page.cursor.empty()) {
        while (at != items.end() && key(*at) != page.cursor) ++at;
        if (at == items.end()) {
            return refuse(422, "the cursor leads nowhere: begin again without it");
        }
        ++at;
    }
    JsonArray out;
    std::optional<std::string> last;
    for (; at != items.end() && out.size() < page.limit; ++at) {
        out.push_back(render(*at));
        last = key(*at);
    }
    return answer_list(std::move(out), at == items.end() ? std::nullopt : last);
}

}  // namespace rollbackd::api
