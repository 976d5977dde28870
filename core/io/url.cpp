#include "core/io/url.hpp"

#include <boost/url/decode_view.hpp>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <boost/url/url_view.hpp>
#include <charconv>

namespace rollbackd {

namespace urls = boost::urls;

namespace {

std::string to_std(auto const& view) { return std::string(view.data(), view.size()); }

std::string decoded(urls::pct_string_view text) {
    std::string out;
    for (char const c : *text) out += c;
    return out;
}

}  // namespace

Result<Url> parse_url(std::string_view text) {
    auto const place = std::string(text);
    auto const parsed = urls::parse_uri({text.data(), text.size()});
    if (!parsed) return fail(Errc::invalid, "not a URL", place);
    Url url;
    auto const scheme = to_std(parsed->scheme());
    if (scheme != "http" && scheme != "https") {
        return fail(Errc::invalid, "the URL must begin with http:// or https://", place);
    }
    url.secure = scheme == "https";
    url.host = decoded(parsed->encoded_host_address());
    if (url.host.empty()) return fail(Errc::invalid, "the URL names no host", place);
    url.port = url.secure ? 443 : 80;
    url.authority = to_std(parsed->encoded_host());
    if (parsed->has_port() && !parsed->port().empty()) {
        auto const digits = to_std(parsed->port());
        std::uint16_t port = 0;
        auto const code = std::from_chars(digits.data(), digits.data() + digits.size(), port).ec;
        if (code != std::errc{} || port == 0) return fail(Errc::invalid, "not a port", place);
        if (port != url.port) url.authority += ":" + digits;
        url.port = port;
    }
    url.target = to_std(parsed->encoded_path());
    if (url.target.empty()) url.target = "/";
    if (parsed->has_query()) url.target += "?" + to_std(parsed->encoded_query());
    if (parsed->has_userinfo()) url.userinfo = decoded(parsed->encoded_userinfo());
    return url;
}

Result<std::string> resolve_url(std::string const& base, std::string_view location) {
    auto const from = urls::parse_uri(base);
    auto const to = urls::parse_uri_reference({location.data(), location.size()});
    if (!from || !to) return fail(Errc::invalid, "not a URL", std::string(location));
    urls::url resolved;
    if (!urls::resolve(*from, *to, resolved)) {
        return fail(Errc::invalid, "leads nowhere", std::string(location));
    }
    resolved.remove_fragment();
    return to_std(resolved.buffer());
}

}  // namespace rollbackd
