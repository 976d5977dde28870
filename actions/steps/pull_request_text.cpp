#include "actions/steps/pull_request_text.hpp"

#include "core/names.hpp"

namespace rollbackd {

namespace {

constexpr std::size_t message_max = 500;
constexpr std::size_t errors_max = 5;

std::string text_at(Json const& json, std::string_view pointer) {
    auto const* const found = find_pointer(json, pointer);
    auto const* const text = found == nullptr ? nullptr : found->if_string();
    return text == nullptr ? std::string() : std::string(*text);
}

}  // namespace

Result<PullRequest> read_pull_request(Json const& json) {
    PullRequest out;
    auto const* const number = find(json, "number");
    if (number == nullptr || !number->is_int64() || number->get_int64() <= 0) {
        return fail(Errc::invalid, "the forge's answer is no pull request: it has no number");
    }
    out.number = std::uint64_t(number->get_int64());
    out.head = text_at(json, "/head/sha");
    out.url = text_of(json, "html_url");
    auto const state = text_of(json, "state");
    auto const* const merged = find(json, "merged");
    bool const is_merged = !text_of(json, "merged_at").empty() ||
                           (merged != nullptr && merged->is_bool() && merged->get_bool());
    if (is_merged) {
        out.state = PullState::merged;
    } else if (state == "open" || state == "closed") {
        out.state = state == "open" ? PullState::open : PullState::closed;
    } else {
        return fail(Errc::invalid, "the forge's answer is no pull request: it has no state");
    }
    return out;
}

Result<std::optional<PullRequest>> choose_pull_request(
    Json const& list, std::string_view branch, std::string_view head
) {
    if (!list.is_array()) return fail(Errc::invalid, "the forge's answer is no list");
    std::optional<PullRequest> chosen;
    for (auto const& json : list.get_array()) {
        if (text_at(json, "/head/ref") != branch) continue;
        auto const one = read_pull_request(json);
        if (!one) return tl::unexpected(one.error());
        if (one->state == PullState::open) return *one;
        if (!chosen && one->head == head) chosen = *one;
    }
    return chosen;
}

std::string forge_message(std::string_view body) {
    auto const json = parse_json(body);
    if (!json) return "";
    auto out = text_of(*json, "message");
    auto const* const errors = find(*json, "errors");
    std::size_t told = 0;
    if (errors != nullptr && errors->is_array()) {
        for (auto const& error : errors->get_array()) {
            if (++told > errors_max) break;
            auto text = error.is_string() ? std::string(error.get_string())
                                          : text_of(error, "message", text_of(error, "code"));
            if (!text.empty()) out += (out.empty() ? "" : "; ") + text;
        }
    }
    return printable_line(out, message_max);
}

bool is_passing_status(unsigned status) { return status == 408 || status == 429 || status >= 500; }

}  // namespace rollbackd
