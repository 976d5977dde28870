#include "api/body.hpp"

#include "api/problem.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd::api {

namespace {

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

}  // namespace

std::string pointer_to(std::string_view name) {
    std::string out = "/";
    for (char const c : name) {
        if (c == '~') {
            out += "~0";
        } else if (c == '/') {
            out += "~1";
        } else {
            out.push_back(c);
        }
    }
    return out;
}

Members::Members(Request const& request) {
    body_ = JsonObject();
    if (is_blank(request.body)) return;
    auto parsed = parse_json(request.body);
    if (!parsed) {
        malformed_ = refuse(400, "the body is " + parsed.error().what);
    } else if (!parsed->is_object()) {
        malformed_ = refuse(422, "the body must be a JSON object");
    } else {
        body_ = *std::move(parsed);
    }
}

bool Members::has(std::string_view name) const {
    auto const* const found = find(body_, name);
    return found != nullptr && !found->is_null();
}

std::optional<std::string> Members::text(std::string_view name, std::size_t bytes_max) {
    auto const* const found = member(name);
    if (found == nullptr) return std::nullopt;
    if (!found->is_string()) {
        mistake(name, "expected a string");
        return std::nullopt;
    }
    std::string value(found->get_string());
    if (value.size() > bytes_max) {
        mistake(name, "longer than " + std::to_string(bytes_max) + " bytes");
        return std::nullopt;
    }
    return value;
}

std::string Members::required_text(std::string_view name, std::size_t bytes_max) {
    auto const before = mistakes_.size();
    auto value = text(name, bytes_max);
    if (mistakes_.size() > before) return {};
    if (!value || is_blank(*value)) {
        mistake(name, std::string(name) + " is required");
        return {};
    }
    return *std::move(value);
}

std::optional<bool> Members::boolean(std::string_view name) {
    auto const* const found = member(name);
    if (found == nullptr) return std::nullopt;
    if (found->is_bool()) return found->get_bool();
    mistake(name, "expected true or false");
    return std::nullopt;
}

std::optional<WallTime> Members::time(std::string_view name) {
    auto const given = text(name);
    if (!given) return std::nullopt;
    auto const parsed = parse_rfc3339(*given);
    if (parsed) return *parsed;
    mistake(name, "expected an RFC 3339 time like 2026-01-31T12:00:00Z");
    return std::nullopt;
}

std::optional<Duration> Members::duration(std::string_view name) {
    auto const given = text(name);
    if (!given) return std::nullopt;
    auto const parsed = parse_duration(*given);
    if (parsed && *parsed > Duration::zero()) return *parsed;
    mistake(name, "expected a duration like 90s, 2h or 1d");
    return std::nullopt;
}

JsonObject Members::object(std::string_view name) {
    auto const* const found = member(name);
    if (found == nullptr) return {};
    if (found->is_object()) return found->get_object();
    mistake(name, "expected an object");
    return {};
}

std::optional<std::string> Members::one_of(
    std::string_view name, std::vector<std::string> const& allowed
) {
    auto value = text(name);
    if (!value || std::find(allowed.begin(), allowed.end(), *value) != allowed.end()) return value;
    std::string list;
    for (auto const& item : allowed) list += (list.empty() ? "" : ", ") + item;
    mistake(name, "expected one of " + list);
    return std::nullopt;
}

void Members::mistake(std::string_view name, std::string detail) {
    mistakes_.push_back(Mistake{std::move(detail), pointer_to(name)});
}

std::optional<Response> Members::refusal() {
    if (malformed_) return std::move(malformed_);
    for (auto const& [key, value] : body_.get_object()) {
        std::string const name(key);
        if (std::find(asked_.begin(), asked_.end(), name) != asked_.end()) continue;
        auto const meant = nearest_name(name, asked_);
        mistake(name, "unknown member" + (meant.empty() ? "" : "; did you mean " + meant + "?"));
    }
    if (mistakes_.empty()) return std::nullopt;
    std::string detail = mistakes_.front().pointer.substr(1) + ": " + mistakes_.front().detail;
    return refuse(422, std::move(detail), std::move(mistakes_));
}

Json const* Members::member(std::string_view name) {
    asked_.emplace_back(name);
    auto const* const found = find(body_, name);
    return found == nullptr || found->is_null() ? nullptr : found;
}

}  // namespace rollbackd::api
