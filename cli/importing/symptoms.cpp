#include "cli/importing/symptoms.hpp"

#include "cli/importing/known_commands.hpp"
#include "cli/importing/phrases.hpp"
#include "cli/importing/sections.hpp"

#include <array>

namespace rollbackd::cli {

namespace {

struct Text {
    std::string plain;
    Tokens tokens;
    std::string_view url;

    bool has(std::initializer_list<std::string_view> words) const { return mentions(plain, words); }
};

/// "> 80 %" as it stands in a condition; nothing where no share is named.
std::optional<std::string> share_in(Text const& text) {
    auto const& tokens = text.tokens;
    for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
        bool const share =
            tokens[i].number && (tokens[i + 1].text == "%" || tokens[i + 1].text == "percent");
        if (share) return comparison_before(tokens, i, ">") + " " + tokens[i].text + "%";
    }
    return std::nullopt;
}

/// How long it is looked at; `nth` 0 is the first time that is named.
std::string window_in(Text const& text, std::string_view otherwise, std::size_t nth = 0) {
    for (std::size_t i = 0; i < text.tokens.size(); ++i) {
        auto const span = span_at(text.tokens, i);
        if (!span) continue;
        if (nth == 0 && span->seconds >= 1 && span->seconds <= 86400) return span->text;
        if (nth > 0) --nth;
        i = span->end - 1;
    }
    return std::string(otherwise);
}

/// A count that is no share, no time and no status of HTTP.
std::optional<std::string> count_in(Text const& text, std::string_view otherwise) {
    auto const& tokens = text.tokens;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        bool const whole = tokens[i].number && tokens[i].text.size() <= 3 &&
                           tokens[i].text.find('.') == std::string::npos && tokens[i].text != "0";
        if (!whole || span_at(tokens, i)) continue;
        bool const status = tokens[i].text.size() == 3 && tokens[i].text[0] == '5';
        if (status || says(tokens, i + 1, {"%"}) || says(tokens, i + 1, {"percent"})) continue;
        return comparison_before(tokens, i, otherwise) + " " + tokens[i].text;
    }
    return std::nullopt;
}

Symptom gauge(std::string when, std::string signal, std::string source) {
    Symptom out;
    out.when = std::move(when);
    out.signal = std::move(signal);
    out.source = std::move(source);
    out.pressing = false;
    return out;
}

std::string address_of(std::string_view url) {
    auto const scheme = url.find("://");
    auto host = scheme == url.npos ? std::string_view() : url.substr(scheme + 3);
    host = host.substr(0, host.find_first_of("/:?#"));
    bool const named = url.starts_with("https://") && !host.empty();
    return (named ? std::string(host) : std::string("www.example.com")) + ":443";
}

std::optional<Symptom> certificate(Text const& text) {
    bool const one = text.has({"certificate", "tls", "ssl"});
    if (!one || !text.has({"expire", "expiry", "expiring", "days left", "days remain"})) return {};
    auto const source =
        "{ tls: { address: " + yaml_text(address_of(text.url)) + " }, every: 1h, timeout: 10s }";
    std::string when = "days_left(cert) <= 0";
    for (std::size_t i = 0; i < text.tokens.size(); ++i) {
        auto const span = span_at(text.tokens, i);
        if (!span || span->seconds < 86400) continue;
        when = "days_left(cert) < " + std::to_string(static_cast<long>(span->seconds / 86400));
        break;
    }
    auto out = gauge(when, "cert", source);
    out.change = "the address users reach";
    return out;
}

std::optional<Symptom> machine(Text const& text) {
    auto const share = share_in(text);
    if (!share) return std::nullopt;
    if (text.has({"inode"})) {
        return gauge(
            "value(inodes) " + *share, "inodes",
            "{ disk: { path: /, measure: inodes_used }, every: 1m }"
        );
    }
    if (text.has({"disk", "storage", "file system", "filesystem"})) {
        return gauge("value(disk) " + *share, "disk", "{ disk: { path: / }, every: 1m }");
    }
    auto const window = window_in(text, "5m");
    if (text.has({"memory"})) {
        return gauge(
            "min(memory, " + window + ") " + *share, "memory",
            "{ memory: { measure: used }, every: 10s }"
        );
    }
    if (text.has({"cpu", "processor"})) {
        return gauge(
            "min(cpu, " + window + ") " + *share, "cpu", "{ load: { measure: cpu }, every: 10s }"
        );
    }
    return std::nullopt;
}

/// What fails one by one, and where that is seen; health where nothing else is named.
Symptom counted_by(Text const& text) {
    Symptom out;
    if (text.has({"webhook"})) {
        out.signal = "webhooks";
        out.source =
            "{ access_log: { path: /var/log/nginx/access.log, match: { path: ^/webhooks/ } } }";
        out.change = "the log, and the path of the webhooks";
    } else if (text.has({"payment", "checkout"})) {
        out.signal = "payments";
        out.source = "{ push: { kind: outcomes } }";
        out.change = "the application pushes each payment's outcome here";
    } else if (text.has({"login", "log in", "sign-in"})) {
        out.signal = "logins";
        out.source = "{ push: { kind: outcomes } }";
        out.change = "the application pushes each login's outcome here";
    } else {
        out.signal = "health";
    }
    return out;
}

std::optional<Symptom> errors(Text const& text) {
    auto const share = share_in(text);
    bool const named = text.has({"5xx", "500", "error", "fail"});
    if (!share || !named) return std::nullopt;
    auto out = counted_by(text);
    if (out.signal == "health") {
        out.signal = "requests";
        out.source = "{ access_log: { path: /var/log/nginx/access.log } }";
        out.change = "the log of the server in front";
    }
    out.when = "failure_ratio(" + out.signal + ", " + window_in(text, "5m") + ") " + *share;
    out.keys = ", min_count: 100";
    return out;
}

std::optional<Symptom> streak(Text const& text) {
    if (!text.has({"fail", "5xx", "error", "no answer", "timeout"})) return std::nullopt;
    bool const row = text.has({"consecutive", "in a row", "times", "running"});
    bool const checks = text.has({"health", "probe", "ping"});
    auto const count = count_in(text, ">=");
    if (!count || !(row || checks)) return std::nullopt;
    auto out = counted_by(text);
    out.when = "consecutive_failures(" + out.signal + ") " + *count;
    return out;
}

std::optional<Symptom> slowness(Text const& text) {
    if (!text.has({"latency", "response time", "responses", "slow", "p95", "p99"})) {
        return std::nullopt;
    }
    for (std::size_t i = 0; i < text.tokens.size(); ++i) {
        auto const span = span_at(text.tokens, i);
        if (!span || span->seconds > 600) continue;
        auto const quantile = text.has({"p99"})             ? "p99"
                              : text.has({"p50", "median"}) ? "p50"
                                                            : "p95";
        auto const window = window_in(text, "5m", span->seconds >= 1 ? 1 : 0);
        auto const limit = std::to_string(span->seconds);
        auto const kept = limit.find_last_not_of('0') + 1;
        auto const url = text.url.empty() ? "http://127.0.0.1:3000/health" : text.url;
        auto const plain = limit.substr(0, limit[kept - 1] == '.' ? kept - 1 : kept);
        auto out = gauge(
            std::string(quantile) + "(latency, " + window + ") " +
                comparison_before(text.tokens, i, ">") + " " + plain,
            "latency", "{ http: { url: " + yaml_text(url) + ", measure: total }, every: 10s }"
        );
        return out;
    }
    return std::nullopt;
}

std::optional<Symptom> outage(Text const& text) {
    if (!text.has({"outage", "unreachable", "is down", "does not answer"})) return std::nullopt;
    Symptom out;
    out.when = "consecutive_failures(health) >= 3";
    out.signal = "health";
    return out;
}

}  // namespace

std::optional<Symptom> symptom_in(std::string_view given, std::string_view url) {
    Text const text{std::string(given), tokens_of(given), url};
    using Recogniser = std::optional<Symptom> (*)(Text const&);
    constexpr std::array<Recogniser, 6> all{certificate, machine, errors, streak, slowness, outage};
    for (auto const recogniser : all) {
        if (auto found = recogniser(text)) return found;
    }
    return std::nullopt;
}

}  // namespace rollbackd::cli
