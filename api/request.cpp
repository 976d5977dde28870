#include "api/request.hpp"

#include "core/percent.hpp"

namespace rollbackd::api {

namespace {

Result<void> set_query(Request& request, std::string_view text) {
    while (!text.empty()) {
        auto const pair = text.substr(0, text.find('&'));
        text.remove_prefix(std::min(text.size(), pair.size() + 1));
        if (pair.empty()) continue;
        auto const equals = pair.find('=');
        auto name = percent_decode(pair.substr(0, equals), true);
        auto value = equals == std::string_view::npos
                         ? std::optional<std::string>(std::string())
                         : percent_decode(pair.substr(equals + 1), true);
        if (!name || !value) return fail(Errc::invalid, "the query holds a broken % escape");
        request.query.emplace(*std::move(name), *std::move(value));
    }
    return {};
}

}  // namespace

Result<void> set_target(Request& request, std::string_view target) {
    request.target = target;
    // The absolute form (RFC 9112 3.2.2) is for proxies; its host is checked like a Host header.
    if (target.empty() || target.front() != '/') {
        return fail(Errc::invalid, "the request target must begin with /");
    }
    auto const question = target.find('?');
    auto path = target.substr(0, question);
    request.path = path;
    path.remove_prefix(1);
    while (true) {
        auto const raw = path.substr(0, path.find('/'));
        auto segment = percent_decode(raw, false);
        if (!segment) return fail(Errc::invalid, "the path holds a broken % escape");
        request.segments.push_back(*std::move(segment));
        if (raw.size() == path.size()) break;
        path.remove_prefix(raw.size() + 1);
    }
    if (question == std::string_view::npos) return {};
    return set_query(request, target.substr(question + 1));
}

std::string Request::header(std::string_view lower_name) const {
    auto const found = headers.find(std::string(lower_name));
    return found == headers.end() ? std::string() : found->second;
}

bool Request::has_header(std::string_view lower_name) const {
    return headers.contains(std::string(lower_name));
}

std::string Request::media_type() const {
    auto type = header("content-type");
    type = type.substr(0, type.find(';'));
    while (!type.empty() && type.back() == ' ') type.pop_back();
    for (auto& c : type) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return type;
}

std::string Request::query_value(std::string_view name) const {
    auto const found = query.find(std::string(name));
    return found == query.end() ? std::string() : found->second;
}

std::string const& Request::param(std::string const& name) const { return params.at(name); }

}  // namespace rollbackd::api
