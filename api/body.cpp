#include "api/body.hpp"

#include "api/problem.hpp"
#include "api/schema.hpp"

namespace rollbackd::api {

bool Members::has(std::string_view name) const { return member(name) != nullptr; }

std::optional<std::string> Members::text(std::string_view name) const {
    auto const* const found = member(name);
    if (found == nullptr) return std::nullopt;
    return std::string(found->as_string());
}

std::optional<bool> Members::boolean(std::string_view name) const {
    auto const* const found = member(name);
    if (found == nullptr) return std::nullopt;
    return found->as_bool();
}

std::optional<WallTime> Members::time(std::string_view name) const {
    auto const* const found = member(name);
    if (found == nullptr) return std::nullopt;
    return parse_rfc3339(std::string_view(found->as_string())).value();
}

std::optional<Duration> Members::duration(std::string_view name) {
    auto const* const found = member(name);
    if (found == nullptr) return std::nullopt;
    auto const parsed = parse_duration(std::string_view(found->as_string()));
    if (parsed && *parsed > Duration::zero()) return *parsed;
    mistake(name, "expected a duration like 90s, 2h or 1d, more than nothing");
    return std::nullopt;
}

JsonObject Members::object(std::string_view name) const {
    auto const* const found = member(name);
    return found == nullptr ? JsonObject() : found->as_object();
}

void Members::mistake(std::string_view name, std::string detail) {
    mistakes_.push_back(Mistake{std::move(detail), pointer_to(name)});
}

std::optional<Response> Members::refusal() {
    if (mistakes_.empty()) return std::nullopt;
    std::string detail = mistakes_.front().pointer.substr(1) + ": " + mistakes_.front().detail;
    return refuse(422, std::move(detail), std::move(mistakes_));
}

Json const* Members::member(std::string_view name) const {
    auto const* const found = find(body_, name);
    return found == nullptr || found->is_null() ? nullptr : found;
}

}  // namespace rollbackd::api
