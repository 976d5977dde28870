#include "actions/notify/mail.hpp"

#include "actions/notify/payload.hpp"
#include "core/io/base64.hpp"
#include "core/names.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>

namespace rollbackd {

namespace {

constexpr std::size_t line_max = 76;  // RFC 2045, 6.8
// With its header's name, a line of encoded words has 76 characters at most: RFC 2047, 2.
constexpr std::size_t word_bytes_max = 39;
constexpr std::size_t subject_max = 200;
constexpr std::size_t address_max = 254;

std::string domain_of(Envelope const& envelope) {
    return envelope.from.substr(envelope.from.find('@') + 1);
}

std::string in_id(std::string_view text) {
    std::string out(text);
    std::replace_if(
        out.begin(), out.end(),
        [](char c) { return (std::isalnum(static_cast<unsigned char>(c)) == 0) && c != '-'; }, '-'
    );
    return out;
}

/// RFC 5322's date, in UTC and English whatever the locale.
std::string mail_date(WallTime at) {
    auto const seconds = std::chrono::floor<std::chrono::seconds>(at);
    std::chrono::sys_days const day = std::chrono::floor<std::chrono::days>(seconds);
    std::chrono::year_month_day const date(day);
    std::chrono::hh_mm_ss const time(seconds - day);
    static constexpr std::array<char const*, 7> days{"Sun", "Mon", "Tue", "Wed",
                                                     "Thu", "Fri", "Sat"};
    static constexpr std::array<char const*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::array<char, 64> text{};
    auto const length = std::snprintf(
        text.data(), text.size(), "%s, %02u %s %04d %02d:%02d:%02d +0000",
        days.at(std::chrono::weekday(day).c_encoding()), unsigned(date.day()),
        months.at(unsigned(date.month()) - 1), int(date.year()), int(time.hours().count()),
        int(time.minutes().count()), int(time.seconds().count())
    );
    return {text.data(), std::size_t(std::max(0, length))};
}

/// Text for a header: as it is, or in encoded words that never split a character.
std::string header_text(std::string const& text) {
    bool const plain = std::all_of(text.begin(), text.end(), [](unsigned char c) {
        return c >= 0x20 && c < 0x7F && c != '=';
    });
    if (plain) return text;
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        auto end = std::min(at + word_bytes_max, text.size());
        while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
        out += (at == 0 ? "" : "\r\n ") + ("=?UTF-8?B?" + base64(text.substr(at, end - at))) + "?=";
        at = end;
    }
    return out;
}

std::string in_lines(std::string const& encoded) {
    std::string out;
    for (std::size_t at = 0; at < encoded.size(); at += line_max) {
        out += encoded.substr(at, line_max) + "\r\n";
    }
    return out;
}

std::string joined(std::vector<std::string> const& addresses) {
    std::string out;
    for (auto const& address : addresses) out += (out.empty() ? "" : ",\r\n ") + address;
    return out;
}

}  // namespace

bool is_address(std::string_view text) {
    auto const at = text.find('@');
    bool const one = at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
                     text.find('@', at + 1) == std::string_view::npos;
    return one && text.size() <= address_max && text.front() != '-' &&
           std::all_of(text.begin(), text.end(), [](unsigned char c) {
               return c > 0x20 && c < 0x7F &&
                      std::string_view("<>()[],;:\\\"").find(char(c)) == std::string_view::npos;
           });
}

std::string mail_text(Outgoing const& message, Envelope const& envelope) {
    auto const text = whole_text(message);
    auto const domain = domain_of(envelope);
    auto const second = std::chrono::floor<std::chrono::seconds>(message.at).time_since_epoch();
    auto const subject = printable(text.substr(0, text.find('\n')), subject_max);
    std::string out;
    auto const header = [&](std::string_view name, std::string const& value) {
        out.append(name).append(": ").append(value).append("\r\n");
    };
    header("From", "rollbackd <" + envelope.from + ">");
    header("To", joined(envelope.to));
    header("Subject", header_text("[rollbackd] " + subject));
    header("Date", mail_date(message.at));
    // A store that was begun anew counts from 1 again: the time tells its messages from the old.
    header(
        "Message-ID",
        "<" + in_id(message.id) + "." + std::to_string(second.count()) + "@" + domain + ">"
    );
    if (!message.incident.empty()) {
        auto const opened =
            message.payload.is_object() ? text_of(message.payload, "opened_at") : "";
        auto const root = "<" + in_id(message.incident) + "." + in_id(opened) + "@" + domain + ">";
        header("In-Reply-To", root);
        header("References", root);
    }
    header("Auto-Submitted", "auto-generated");
    header("MIME-Version", "1.0");
    header("Content-Type", "text/plain; charset=utf-8");
    header("Content-Transfer-Encoding", "base64");
    return out + "\r\n" + in_lines(base64(text + "\n"));
}

}  // namespace rollbackd
