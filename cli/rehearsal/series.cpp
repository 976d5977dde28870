#include "cli/rehearsal/series.hpp"

#include "core/names.hpp"

#include <charconv>
#include <cmath>

namespace rollbackd::cli {

namespace {

using namespace std::chrono_literals;

constexpr auto usual_latency = 1ms;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <class T>
std::optional<T> whole(std::string_view text) {
    T value{};
    if (text.starts_with('+')) text.remove_prefix(1);
    auto const [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || problem != std::errc() || end != text.data() + text.size()) return {};
    return value;
}

std::string_view expected_of(SignalKind kind) {
    switch (kind) {
        case SignalKind::state:
            return "ok, fail, ok(250ms) or fail(timeout)";
        case SignalKind::outcomes:
            return "SUCCESSES/FAILURES like 97/3, or ok or fail for one";
        case SignalKind::gauge:
            return "a number like 1.5, or 30-1x5 to count";
        case SignalKind::text:
            return "a text in quotation marks, like \"v1\"x5";
    }
    return "";
}

}  // namespace

/// One word of a series: what stands before the multiplier, and the multiplier.
struct Series::Word {
    std::string_view all;
    std::string_view head;  // without "xN", "(…)" and quotation marks
    std::optional<std::string_view> inside;
    bool quoted = false;
    bool repeated = false;
    std::uint64_t more = 0;  // after the first
};

namespace {

/// Where a word ends: at a blank outside quotation marks and brackets.
std::size_t end_of_word(std::string_view text) {
    char closing = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (closing != 0) {
            if (c == closing) closing = 0;
        } else if (c == '"') {
            closing = '"';
        } else if (c == '(') {
            closing = ')';
        } else if (is_blank(c)) {
            return i;
        }
    }
    return text.size();
}

/// Cuts "x12" from the end: how many more; nothing where there is none.
std::optional<std::uint64_t> cut_repeats(std::string_view& text) {
    auto at = text.size();
    while (at > 0 && is_digit(text[at - 1])) --at;
    if (at == text.size() || at < 2 || text[at - 1] != 'x') return {};
    auto const count = whole<std::uint64_t>(text.substr(at));
    if (!count) return {};
    text = text.substr(0, at - 1);
    return count;
}

std::optional<SampleValue> state_of(std::string_view head, std::string_view inside) {
    bool const ok = head == "ok" || head == "1";
    if (!ok && head != "fail" && head != "0") return {};
    StateValue value;
    value.ok = ok;
    value.latency = usual_latency;
    if (ok && !inside.empty()) {
        auto const latency = parse_duration(inside);
        if (!latency) return {};
        value.latency = *latency;
    } else if (!ok) {
        value.reason = inside.empty() ? "simulated" : printable_line(inside, 200);
    }
    return value;
}

std::optional<SampleValue> outcomes_of(std::string_view head, std::string_view inside) {
    OutcomesValue value;
    if (!inside.empty()) value.reason = printable_line(inside, 200);
    if (head == "ok" || head == "fail") {
        (head == "ok" ? value.success : value.failure) = 1;
        return value;
    }
    std::uint64_t* const places[] = {&value.success, &value.failure, &value.neutral};
    std::size_t place = 0;
    while (place < 3) {
        auto const slash = head.find('/');
        auto const count = whole<std::uint32_t>(head.substr(0, slash));
        if (!count) return {};
        *places[place++] = *count;
        if (slash == std::string_view::npos) break;
        head.remove_prefix(slash + 1);
        if (place == 3) return {};
    }
    if (place < 2) return {};
    return value;
}

/// "30-1" is 30, and each further one less by 1.
std::optional<std::pair<double, double>> counting(std::string_view head, bool repeated) {
    std::size_t at = std::string_view::npos;
    for (std::size_t i = 1; repeated && i < head.size(); ++i) {
        bool const sign = head[i] == '+' || head[i] == '-';
        if (sign && head[i - 1] != 'e' && head[i - 1] != 'E') at = i;
    }
    auto const first = whole<double>(head.substr(0, at));
    auto const step = at == head.npos ? std::optional(0.0) : whole<double>(head.substr(at));
    if (!first || !step || !std::isfinite(*first) || !std::isfinite(*step)) return {};
    return std::pair(*first, *step);
}

}  // namespace

Result<Series::Part> Series::read(Word const& word, SignalKind kind) {
    Part part;
    part.count = word.repeated ? word.more + 1 : 1;
    auto const inside = word.inside.value_or("");
    if (!word.quoted && word.head == "_") {
        part.count = word.repeated ? word.more : 1;
        return part;
    }
    if (!word.quoted && word.head == "unknown") {
        part.value = UnknownValue{inside.empty() ? "simulated" : printable_line(inside, 200)};
        return part;
    }
    if (kind == SignalKind::state && !word.quoted) part.value = state_of(word.head, inside);
    if (kind == SignalKind::outcomes && !word.quoted) part.value = outcomes_of(word.head, inside);
    if (kind == SignalKind::text && word.quoted) part.value = TextValue{std::string(word.head)};
    if (kind == SignalKind::gauge && !word.quoted && !word.inside) {
        if (auto const numbers = counting(word.head, word.repeated)) {
            part.value = GaugeValue{numbers->first};
            part.step = numbers->second;
        }
    }
    if (part.value) return part;
    std::string hint;
    if (word.head == "stale") hint = "; a signal goes stale by itself when nothing comes: write _";
    return fail(
        Errc::invalid, "\"" + printable(word.all, 80) + "\" is no value of this signal; expected " +
                           std::string(expected_of(kind)) +
                           ", _ for none, or unknown; with xN for N more" + hint
    );
}

Result<Series> Series::parse(std::string_view text, SignalKind kind) {
    Series out;
    while (true) {
        while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
        if (text.empty()) break;
        Word word;
        word.all = text.substr(0, end_of_word(text));
        text.remove_prefix(word.all.size());
        word.head = word.all;
        if (auto const more = cut_repeats(word.head)) {
            word.repeated = true;
            word.more = *more;
        }
        auto const open = word.head.find('(');
        if (word.head.size() > 1 && word.head.front() == '"' && word.head.back() == '"') {
            word.quoted = true;
            word.head = word.head.substr(1, word.head.size() - 2);
        } else if (open != std::string_view::npos && word.head.back() == ')') {
            word.inside = word.head.substr(open + 1, word.head.size() - open - 2);
            word.head = word.head.substr(0, open);
        }
        if (word.more >= repeats_max || out.parts_.size() == words_max) {
            return fail(Errc::too_large, "a series longer than any test needs");
        }
        auto part = read(word, kind);
        if (!part) return tl::unexpected<Error>(part.error());
        out.size_ += part->count;
        out.parts_.push_back(std::move(*part));
    }
    if (out.parts_.empty()) return fail(Errc::invalid, "an empty series; write _ for silence");
    return out;
}

std::optional<SampleValue> Series::at(std::uint64_t index) const {
    for (auto const& part : parts_) {
        if (index >= part.count) {
            index -= part.count;
            continue;
        }
        auto value = part.value;
        if (part.step != 0 && value)
            std::get<GaugeValue>(*value).value += part.step * double(index);
        return value;
    }
    return {};
}

}  // namespace rollbackd::cli
