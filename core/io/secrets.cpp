#include "core/io/secrets.hpp"

#include "core/io/file.hpp"
#include "core/percent.hpp"

#include <algorithm>
#include <cstdlib>

namespace rollbackd {

namespace {

constexpr std::string_view mask = "[secret]";
constexpr std::size_t line_length_min = 16;

/// As a JSON text would show it, without the quotes.
std::string json_escape(std::string_view text) {
    auto const quoted = to_text(to_json(std::string(text)));
    return quoted.substr(1, quoted.size() - 2);
}

/// Length of the userinfo (with its @) that follows "://" at the head of `rest`; 0: none.
std::size_t userinfo_length(std::string_view rest) {
    auto const authority = rest.substr(0, rest.find_first_of("/?# \t\r\n\"'<>"));
    auto const at = authority.rfind('@');
    return at == std::string_view::npos ? 0 : at + 1;
}

void trim_newline(std::string& text) {
    if (text.ends_with('\n')) text.pop_back();
    if (text.ends_with('\r')) text.pop_back();
}

}  // namespace

void Redactor::add(std::string_view secret) {
    auto const remember = [this](std::string value) {
        if (value.size() < secret_length_min || values_.size() >= secrets_max) return;
        if (std::find(values_.begin(), values_.end(), value) != values_.end()) return;
        auto const shorter = [&](std::string const& known) { return known.size() < value.size(); };
        begins_[static_cast<unsigned char>(value.front())] = true;
        values_.insert(std::find_if(values_.begin(), values_.end(), shorter), std::move(value));
    };
    remember(std::string(secret));
    if (secret.size() < secret_length_min) return;
    remember(percent_encode(secret));
    remember(json_escape(secret));
    // Output shows a key file line by line, so its lines are secrets of their own.
    for (std::size_t from = 0; from < secret.size();) {
        auto const end = std::min(secret.find('\n', from), secret.size());
        auto const line = secret.substr(from, end - from);
        if (line.size() >= line_length_min) remember(std::string(line));
        from = end + 1;
    }
}

std::string Redactor::redact(std::string_view text) const {
    std::string out;
    out.reserve(text.size());
    std::size_t at = 0;
    while (at < text.size()) {
        auto const rest = text.substr(at);
        auto const starts = [&](std::string const& value) { return rest.starts_with(value); };
        bool const may = begins_[static_cast<unsigned char>(rest.front())];
        auto const hit = may ? std::find_if(values_.begin(), values_.end(), starts) : values_.end();
        if (hit != values_.end()) {
            out += mask;
            at += hit->size();
        } else if (rest.starts_with("://")) {
            auto const length = userinfo_length(rest.substr(3));
            out += "://";
            if (length > 0) out.append(mask).append("@");
            at += 3 + length;
        } else {
            out += text[at++];
        }
    }
    return out;
}

Json Redactor::redact_json(Json const& value) const {
    if (value.is_string()) return to_json(redact(std::string_view(value.get_string())));
    if (value.is_array()) {
        JsonArray out;
        for (auto const& item : value.get_array()) out.push_back(redact_json(item));
        return out;
    }
    if (value.is_object()) {
        JsonObject out;
        for (auto const& [key, item] : value.get_object()) {
            out[redact(std::string_view(key))] = redact_json(item);
        }
        return out;
    }
    return value;
}

bool Secrets::has_reference(std::string_view text) {
    auto const open = text.find("${");
    return open != std::string_view::npos && text.find('}', open) != std::string_view::npos;
}

Result<std::string> Secrets::expand(std::string_view text) {
    std::string out;
    while (true) {
        auto const open = text.find("${");
        auto const close = open == std::string_view::npos ? open : text.find('}', open);
        if (close == std::string_view::npos) return out.append(text);
        auto const name = std::string(text.substr(open + 2, close - open - 2));
        auto const* const value = std::getenv(name.c_str());
        if (value == nullptr) {
            return fail(
                Errc::not_found, "the environment of rollbackd has no variable " + name +
                                     "; set it in the unit (Environment= or EnvironmentFile=)"
            );
        }
        redactor_.add(value);
        out.append(text.substr(0, open)).append(value);
        text.remove_prefix(close + 1);
    }
}

Result<std::string> Secrets::from_file(std::string const& path) {
    auto full = path;
    if (!path.starts_with('/')) {
        auto const* const folder = std::getenv("CREDENTIALS_DIRECTORY");
        if (folder == nullptr) {
            return fail(
                Errc::not_found,
                "a bare name is a systemd credential, and there is no CREDENTIALS_DIRECTORY; "
                "add LoadCredential= to the unit or give the full path",
                path
            );
        }
        full = std::string(folder) + "/" + path;
    }
    auto content = read_file(full, file_bytes_max);
    if (!content) return content;
    trim_newline(*content);
    redactor_.add(*content);
    return content;
}

Result<std::string> Secrets::text(JsonObject const& params, std::string_view key) {
    if (auto const* const value = params.if_contains(key); value != nullptr && value->is_string()) {
        return expand(std::string_view(value->get_string()));
    }
    auto const file_key = std::string(key) + "_file";
    if (auto const* const path = params.if_contains(file_key); path && path->is_string()) {
        return from_file(std::string(std::string_view(path->get_string())));
    }
    return fail(Errc::not_found, "neither " + std::string(key) + " nor " + file_key + " is set");
}

void Secrets::learn(std::string_view value) {
    remember(value);
    auto const scheme = value.find("://");
    if (scheme != std::string_view::npos) {
        if (value.starts_with("http")) remember_url(value);
        auto const rest = value.substr(scheme + 3);
        auto const userinfo = rest.substr(0, userinfo_length(rest));
        auto const colon = userinfo.find(':');
        if (colon != std::string_view::npos) {
            remember(userinfo.substr(colon + 1, userinfo.size() - colon - 2));
        }
    }
    constexpr std::string_view key = "password=";
    auto const at = value.find(key);
    if (at == std::string_view::npos) return;
    auto const word = value.substr(at + key.size());
    remember(word.substr(0, word.find_first_of(" \t\r\n&'\"")));
}

void Secrets::remember_url(std::string_view url) {
    constexpr std::size_t secret_path_min = 8;  // a shorter one is a word like /hook
    remember(url);
    auto const authority = url.find("://");
    auto const path =
        authority == std::string_view::npos ? authority : url.find('/', authority + 3);
    if (path == std::string_view::npos || url.size() - path < secret_path_min) return;
    remember(url.substr(path));
}

}  // namespace rollbackd
