#include "triggers/probes/json_pages.hpp"

#include "core/io/url.hpp"
#include "core/names.hpp"
#include "core/percent.hpp"
#include "core/scalar.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t cursor_bytes_max = 512;

tl::unexpected<Error> content(std::string what) {
    return fail(Errc::invalid, "content: " + std::move(what));
}

Error no_pointer(std::string const& text, std::string const& where) {
    auto const shown = printable(text, 80);
    return {
        Errc::invalid,
        "\"" + shown + "\" is no JSON pointer (RFC 6901); did you mean \"/" + shown + "\"?", where
    };
}

Json const* member(Json const& value, std::string const& pointer) {
    auto const* const found = find_pointer(value, pointer);
    return found == nullptr || found->is_null() ? nullptr : found;
}

}  // namespace

Result<JsonPages> JsonPages::make(JsonObject const& params) {
    Json const all(params);
    JsonPages made;
    made.items_ = text_of(all, "items");
    if (auto const* const next = find(all, "next"); next != nullptr && next->is_string()) {
        made.next_ = text_of(all, "next");
        if (!made.next_->starts_with('/')) {
            return tl::unexpected<Error>(no_pointer(*made.next_, "next"));
        }
    }
    auto const* const cursor = find(all, "cursor");
    if (cursor == nullptr || !cursor->is_object()) return made;
    made.parameter_ = text_of(*cursor, "parameter");
    made.item_ = text_of(*cursor, "item");
    if (find(*cursor, "more") != nullptr) made.more_ = text_of(*cursor, "more");
    for (auto const& pointer : {made.item_, made.more_.value_or("/")}) {
        if (!pointer.starts_with('/')) {
            return tl::unexpected<Error>(no_pointer(pointer, "cursor"));
        }
    }
    return made;
}

Result<std::optional<std::string>> JsonPages::next(
    std::string const& first, std::string const& url, Json const& body
) const {
    if (next_) return linked(url, body);
    if (!parameter_.empty()) return after_last(first, body);
    return std::optional<std::string>();
}

Result<std::optional<std::string>> JsonPages::linked(std::string const& url, Json const& body)
    const {
    auto const* const link = member(body, *next_);
    if (link == nullptr) return std::optional<std::string>();
    if (!link->is_string()) return content(*next_ + " is no address");
    auto const text = std::string_view(link->get_string());
    if (text.empty()) return std::optional<std::string>();
    auto found = resolve_url(url, text);
    auto const there = found ? parse_url(*found) : fail(Errc::invalid, "no address");
    auto const here = parse_url(url);
    if (!there || !here) return content(*next_ + " is no address");
    bool const same =
        there->secure == here->secure && there->host == here->host && there->port == here->port;
    if (!same) return content(*next_ + " leads to another server, " + printable(text, 80));
    if (*found == url) return content(*next_ + " leads to this very page");
    return std::optional<std::string>(*std::move(found));
}

Result<std::optional<std::string>> JsonPages::after_last(std::string const& first, Json const& body)
    const {
    auto const* const list = find_pointer(body, items_);
    if (list == nullptr || !list->is_array() || list->get_array().empty()) {
        return std::optional<std::string>();  // what is missing is said by who reads the list
    }
    if (more_) {
        auto const* const more = member(body, *more_);
        if (more == nullptr) return std::optional<std::string>();
        if (!more->is_bool()) return content(*more_ + " is neither true nor false");
        if (!more->get_bool()) return std::optional<std::string>();
    }
    auto const* const last = member(list->get_array().back(), item_);
    auto const value = last == nullptr ? std::string() : scalar_text(*last);
    if (value.empty() || value.size() > cursor_bytes_max) {
        return content("the last member has no " + item_ + " to go on from");
    }
    auto const bare = first.substr(0, first.find('#'));
    auto const mark = bare.find('?') == std::string::npos ? "?" : "&";
    return std::optional<std::string>(
        bare + mark + percent_encode(parameter_) + "=" + percent_encode(value)
    );
}

}  // namespace rollbackd
