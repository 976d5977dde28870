#include "api/negotiate.hpp"

#include "core/ensure.hpp"
#include "core/record.hpp"

#include <zlib.h>
#include <algorithm>

namespace rollbackd::api {

namespace {

constexpr std::size_t tag_digits = 32;

std::string_view trimmed(std::string_view text) {
    auto const first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string_view take_until(std::string_view& rest, char end) {
    auto const part = rest.substr(0, rest.find(end));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    return trimmed(part);
}

bool is_alike(std::string_view a, std::string_view lower) {
    if (a.size() != lower.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        char const c = a[i] >= 'A' && a[i] <= 'Z' ? static_cast<char>(a[i] - 'A' + 'a') : a[i];
        if (c != lower[i]) return false;
    }
    return true;
}

/// Of "0", "0.0", "0.000": not at all.
bool is_nothing(std::string_view weight) {
    return !weight.empty() && weight.find_first_not_of("0.") == std::string_view::npos;
}

/// Whether the parameters ";q=0.5" of a coding take it.
bool is_wanted(std::string_view parameters) {
    while (!parameters.empty()) {
        auto const parameter = take_until(parameters, ';');
        auto const equals = parameter.find('=');
        if (equals == std::string_view::npos) continue;
        if (!is_alike(trimmed(parameter.substr(0, equals)), "q")) continue;
        return !is_nothing(trimmed(parameter.substr(equals + 1)));
    }
    return true;
}

/// What is worth it: text of some length. The dashboard brings its own; metrics are left alone, for
/// Prometheus asks for gzip each time, and the loop has better things to do.
bool is_zippable(Response const& response) {
    auto const type = std::string_view(response.content_type);
    return response.body.size() >= gzip_bytes_min &&
           (type.starts_with("application/json") || type.starts_with("text/markdown"));
}

/// Adds the tag, and says whether whoever asks has the answer of that tag already.
bool is_known(Request const& request, Response& response, bool zipped) {
    auto tag = response.tag;
    if (tag.empty()) tag = sha256_hex(response.body).substr(0, tag_digits);
    // Each coding is a representation of its own, with a tag of its own (RFC 9110, 8.8.3).
    if (zipped) tag += "-gzip";
    response.headers.emplace_back("ETag", "\"" + tag + "\"");
    return names_tag(request.list("if-none-match"), tag);
}

}  // namespace

bool takes_gzip(std::string_view accept_encoding) {
    bool any = false;
    while (!accept_encoding.empty()) {
        auto item = take_until(accept_encoding, ',');
        auto const coding = take_until(item, ';');
        bool const named = is_alike(coding, "gzip") || is_alike(coding, "x-gzip");
        if (named) return is_wanted(item);
        if (coding == "*") any = is_wanted(item);
    }
    return any;
}

bool names_tag(std::string_view if_none_match, std::string_view tag) {
    while (!if_none_match.empty()) {
        auto item = take_until(if_none_match, ',');
        if (item == "*") return true;
        if (item.starts_with("W/")) item.remove_prefix(2);
        bool const quoted = item.size() >= 2 && item.front() == '"' && item.back() == '"';
        if (quoted && item.substr(1, item.size() - 2) == tag) return true;
    }
    return false;
}

std::string gzip(std::string_view bytes) {
    constexpr int window_and_gzip = 15 + 16;
    constexpr int memory = 8;
    z_stream stream{};
    int const begun = deflateInit2(
        &stream, Z_BEST_SPEED, Z_DEFLATED, window_and_gzip, memory, Z_DEFAULT_STRATEGY
    );
    ensure(begun == Z_OK, "there is memory to pack an answer");
    std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    ensure(deflate(&stream, Z_FINISH) == Z_STREAM_END, "the bound of zlib is one");
    out.resize(stream.total_out);
    deflateEnd(&stream);
    return out;
}

void negotiate(Request const& request, Response& response, bool tagged) {
    bool const settled = request.method != "GET" || response.status != 200 || response.stream;
    if (settled) return;
    bool const zips = !response.zipped.empty() || is_zippable(response);
    bool const zipped = zips && takes_gzip(request.list("accept-encoding"));
    if (zips) response.headers.emplace_back("Vary", "Accept-Encoding");
    if (tagged && is_known(request, response, zipped)) {
        response.status = 304;
        response.content_type.clear();
        response.body.clear();
        return;
    }
    if (!zipped) return;
    response.body = response.zipped.empty() ? gzip(response.body) : std::string(response.zipped);
    response.headers.emplace_back("Content-Encoding", "gzip");
}

}  // namespace rollbackd::api
