#include "cli/view.hpp"

#include "cli/text.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <ostream>

namespace rollbackd::cli {

namespace {

/// 0.520976, which JSON writes as 5.209763303312825E-1; large ones, often bytes, whole.
std::string plain_number(double value) {
    constexpr double large = 1e6;
    constexpr double huge = 1e15;
    bool const whole = std::fabs(value) >= large && std::fabs(value) < huge;
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), whole ? "%.0f" : "%.6g", value);
    return text.data();
}

}  // namespace

JsonArray const& items_of(Json const& value, std::string_view name) {
    static JsonArray const none;
    if (name == "items" && value.is_array()) return value.get_array();
    auto const* const found = find(value, name);
    return found != nullptr && found->is_array() ? found->get_array() : none;
}

std::string shown(Json const& value, std::string_view name) {
    auto const* const found = find(value, name);
    if (found == nullptr || found->is_null() || found->is_structured()) return {};
    if (found->is_string()) return clean(found->get_string());
    if (found->is_double()) return plain_number(found->get_double());
    return clean(to_text(*found));
}

std::string name_of(Json const& item, std::string_view name) {
    if (item.is_string()) return clean(item.get_string());
    return shown(item, name);
}

bool is_true(Json const& value, std::string_view name) {
    auto const* const found = find(value, name);
    return found != nullptr && found->is_bool() && found->get_bool();
}

std::optional<std::int64_t> number_of(Json const& value, std::string_view name) {
    auto const* const found = find(value, name);
    if (found == nullptr) return std::nullopt;
    if (found->is_int64()) return found->get_int64();
    if (found->is_uint64()) return static_cast<std::int64_t>(found->get_uint64());
    if (found->is_double()) return static_cast<std::int64_t>(found->get_double());
    return std::nullopt;
}

std::string moment(std::string_view rfc3339) {
    auto const time = parse_rfc3339(rfc3339);
    return time ? format_moment(*time) : clean(rfc3339);
}

std::string between(Json const& value, std::string_view from, std::string_view to) {
    auto const begin = parse_rfc3339(text_of(value, from));
    auto const end = parse_rfc3339(text_of(value, to));
    return begin && end ? format_human(*end - *begin) : std::string();
}

Colour colour_of_state(std::string_view state) {
    if (state == "frozen" || state == "failed" || state == "interrupted") return Colour::red;
    if (state == "resolved" || state == "succeeded" || state == "done" || state == "ok") {
        return Colour::green;
    }
    if (state == "acting" || state == "running" || state == "verifying") return Colour::blue;
    if (state == "pending" || state == "skipped" || state == "aborted") return Colour::dim;
    return Colour::yellow;
}

Colour colour_of_severity(std::string_view severity) {
    if (severity == "P0") return Colour::red;
    return severity == "P1" ? Colour::yellow : Colour::none;
}

Colour colour_of_verdict(std::string_view verdict) {
    if (verdict == "true") return Colour::red;
    return verdict == "false" ? Colour::green : Colour::yellow;
}

Colour colour_of_standing(std::string_view standing) {
    if (standing == "bad") return Colour::red;
    if (standing == "known-good") return Colour::green;
    return standing == "baking" ? Colour::yellow : Colour::dim;
}

void print_field(
    Terminal const& terminal, std::string_view label, std::string_view text, std::size_t indent,
    Colour colour
) {
    if (text.empty()) return;
    std::string const lead = std::string(indent, ' ') + std::string(label) + " ";
    // A label with somebody's long name in it would leave no room beside it.
    if (width_of(lead) + 20 > terminal.width) {
        for (auto const& line : wrap(label, terminal.width - indent)) {
            terminal.out << std::string(indent, ' ') << terminal.paint(line, Colour::dim) << '\n';
        }
        for (auto const& line : wrap(text, terminal.width - indent - 2)) {
            terminal.out << std::string(indent + 2, ' ') << terminal.paint(line, colour) << '\n';
        }
        return;
    }
    auto const room = terminal.width - width_of(lead);
    bool first = true;
    for (auto const& line : wrap(text, room)) {
        terminal.out << (first ? std::string(indent, ' ') + terminal.paint(label, Colour::dim) + " "
                               : std::string(width_of(lead), ' '))
                     << terminal.paint(line, colour) << '\n';
        first = false;
    }
}

std::string loss_of(Json const& plan) {
    auto const loss = shown(plan, "data_loss");
    if (loss.empty() || loss == "none") return {};
    auto const window = shown(plan, "data_loss_window");
    std::string const lost = loss == "certain" ? "DATA WILL BE LOST" : "data may be lost";
    return window.empty() ? lost : lost + ": " + window;
}

Exit pass_through(Terminal const& terminal, Answer const& answer) {
    // 204 has none, and nothing is no JSON.
    terminal.out << (answer.body.empty() ? "{}" : answer.body);
    if (!answer.body.ends_with('\n')) terminal.out << '\n';
    return Exit::done;
}

Outcome<Exit> call_and_say(
    Context& context, std::string const& method, std::string const& target,
    std::optional<Json> const& body, std::function<std::string(Json const&)> const& sentence
) {
    auto const answer = context.client().call(method, target, body);
    if (!answer) return tl::unexpected(answer.error());
    if (context.json) return pass_through(context.terminal, *answer);
    // Not wrapped: it may end in a command, which must stay whole to be copied.
    context.terminal.out << sentence(answer->json) << '\n';
    return Exit::done;
}

JsonObject reason_body(Arguments const& given) {
    JsonObject body;
    if (auto const reason = given.maybe("--reason")) body["reason"] = *reason;
    return body;
}

}  // namespace rollbackd::cli
