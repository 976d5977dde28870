#include "cli/http.hpp"

#include <algorithm>
#include <charconv>

namespace rollbackd::cli {

namespace {

constexpr std::size_t chunk_line_max = 1024;

tl::unexpected<Error> garbled(std::string what) {
    return fail(Errc::unavailable, "the answer is not HTTP: " + std::move(what));
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) {
        text.remove_suffix(1);
    }
    return text;
}

template <class Number>
bool read_number(std::string_view text, Number& value, int base = 10) {
    auto const [end, problem] =
        std::from_chars(text.data(), text.data() + text.size(), value, base);
    return problem == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string to_bytes(Request const& request, std::string_view host) {
    std::string out = request.method + " " + request.target + " HTTP/1.1\r\nHost: ";
    out += std::string(host) + "\r\n";
    for (auto const& [name, value] : request.headers) out += name + ": " + value + "\r\n";
    if (!request.body.empty()) {
        out += "Content-Length: " + std::to_string(request.body.size()) + "\r\n";
    } else if (request.method != "GET") {
        out += "Content-Length: 0\r\n";
    }
    return out + "Connection: close\r\n\r\n" + request.body;
}

Result<Head> parse_head(std::string_view text) {
    Head head;
    auto const first_end = text.find('\n');
    auto const first = trimmed(text.substr(0, first_end));
    if (!first.starts_with("HTTP/1.") || first.size() < 12) return garbled("no status line");
    if (!read_number(first.substr(9, 3), head.status)) return garbled("no status");
    if (first_end == std::string_view::npos) return head;
    for (auto rest = text.substr(first_end + 1); !rest.empty();) {
        auto const end = rest.find('\n');
        auto const line = trimmed(rest.substr(0, end));
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
        if (line.empty()) continue;
        auto const colon = line.find(':');
        if (colon == std::string_view::npos) return garbled("a header without ':'");
        head.headers[lower(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
    }
    return head;
}

BodyDecoder::BodyDecoder(Head const& head) {
    auto const header = [&](char const* name) {
        auto const found = head.headers.find(name);
        return found == head.headers.end() ? std::string() : found->second;
    };
    if (head.status == 204 || head.status == 304 || head.status / 100 == 1) {
        done_ = true;
    } else if (lower(header("transfer-encoding")).find("chunked") != std::string::npos) {
        framing_ = Framing::chunked;
    } else if (read_number(header("content-length"), left_)) {
        framing_ = Framing::length;
        done_ = left_ == 0;
    }
}

Result<void> BodyDecoder::feed(std::string_view bytes, std::string& out) {
    if (done_) return {};
    if (out.size() + bytes.size() > body_max) {
        return fail(Errc::too_large, "the answer is larger than 64 MiB");
    }
    switch (framing_) {
        case Framing::until_close:
            out += bytes;
            return {};
        case Framing::chunked:
            return feed_chunked(bytes, out);
        case Framing::length:
            break;
    }
    auto const taken =
        bytes.substr(0, static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size())));
    out += taken;
    left_ -= taken.size();
    done_ = left_ == 0;
    return {};
}

Result<void> BodyDecoder::feed_chunked(std::string_view bytes, std::string& out) {
    while (!bytes.empty() && !done_) {
        if (part_ == Part::data) {
            auto const length =
                static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
            out += bytes.substr(0, length);
            bytes.remove_prefix(length);
            left_ -= length;
            if (left_ == 0) part_ = Part::data_end;
            continue;
        }
        char const c = bytes.front();
        bytes.remove_prefix(1);
        if (c != '\n') {
            line_.push_back(c);
            if (line_.size() > chunk_line_max) return garbled("an endless chunk header");
            continue;
        }
        auto const taken = take_line(trimmed(line_));
        line_.clear();
        if (!taken) return taken;
    }
    return {};
}

Result<void> BodyDecoder::take_line(std::string_view line) {
    switch (part_) {
        case Part::data_end:
            part_ = Part::size;
            return {};
        case Part::trailer:
            done_ = line.empty();
            return {};
        case Part::size:
        case Part::data:
            break;
    }
    if (!read_number(trimmed(line.substr(0, line.find(';'))), left_, 16)) {
        return garbled("a chunk without a length");
    }
    part_ = left_ == 0 ? Part::trailer : Part::data;
    return {};
}

bool EventDecoder::feed(
    std::string_view bytes, std::function<void(ServerEvent const&)> const& on_event
) {
    for (char const c : bytes) {
        bool const second_half = after_cr_ && c == '\n';
        after_cr_ = c == '\r';
        if (second_half) continue;
        if (c == '\n' || c == '\r') {
            take_line(line_, on_event);
            line_.clear();
        } else {
            line_.push_back(c);
        }
        if (line_.size() + event_.data.size() > event_max) return false;
    }
    return true;
}

void EventDecoder::take_line(
    std::string_view line, std::function<void(ServerEvent const&)> const& on_event
) {
    if (line.empty()) {
        event_.id = last_id_;
        if (has_data_) on_event(event_);
        event_ = {};
        has_data_ = false;
        return;
    }
    auto const colon = line.find(':');
    auto const field = line.substr(0, colon);
    auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
    if (value.starts_with(' ')) value.remove_prefix(1);
    if (field == "data") {
        if (has_data_) event_.data.push_back('\n');
        event_.data += value;
        has_data_ = true;
    } else if (field == "event") {
        event_.event = value;
    } else if (field == "id" && value.find('\0') == std::string_view::npos) {
        last_id_ = value;
    }
}

}  // namespace rollbackd::cli
