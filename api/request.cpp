#include "api/request.hpp"

#include "core/percent.hpp"

#include <sys/random.h>
#include <algorithm>
#include <array>
#include <cstdio>

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

constexpr std::size_t id_bytes_max = 128;

bool is_plain(char c) {
    bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return letter || (c >= '0' && c <= '9') ||
           std::string_view("._~:+/=@-").find(c) != std::string_view::npos;
}

/// Told apart from those of other daemons and of this one's earlier lives.
std::string own_prefix() {
    std::uint64_t number = 0;
    (void)!::getrandom(&number, sizeof(number), 0);
    std::array<char, 20> text{};
    auto const length = std::snprintf(
        text.data(), text.size(), "%012llx", static_cast<unsigned long long>(number >> 16U)
    );
    return std::string(text.data(), static_cast<std::size_t>(length));
}

}  // namespace

std::string request_id(std::string_view given) {
    static std::string const prefix = own_prefix();
    static std::uint64_t count = 0;
    bool const plausible = !given.empty() && given.size() <= id_bytes_max &&
                           std::all_of(given.begin(), given.end(), is_plain);
    return plausible ? std::string(given) : prefix + "-" + std::to_string(++count);
}

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

std::string Request::list(std::string_view lower_name) const {
    std::string out;
    auto const [first, last] = headers.equal_range(std::string(lower_name));
    for (auto field = first; field != last; ++field) {
        out += (out.empty() ? "" : ", ") + field->second;
    }
    return out;
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
