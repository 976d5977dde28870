#include "api/proof.hpp"

#include <algorithm>
#include <array>

namespace rollbackd::api {

namespace {

constexpr std::array<std::string_view, 5> moments{"now", "at", "from", "to", "since"};
constexpr std::size_t depth_max = 8;

bool is_moment(std::string_view key) {
    return std::find(moments.begin(), moments.end(), key) != moments.end();
}

/// Instants are told apart by their member's name; `anchor` is the one that was at `at`.
void set_times(Json& value, std::int64_t anchor, WallTime at, std::size_t depth) {
    if (depth > depth_max) return;
    if (auto* const array = value.if_array()) {
        for (auto& item : *array) set_times(item, anchor, at, depth + 1);
    }
    auto* const object = value.if_object();
    if (object == nullptr) return;
    for (auto& [key, item] : *object) {
        if (!item.is_int64() || !is_moment(key)) {
            set_times(item, anchor, at, depth + 1);
            continue;
        }
        auto const apart = std::chrono::nanoseconds(item.get_int64() - anchor);
        item = format_rfc3339(at + std::chrono::floor<WallTime::duration>(apart));
    }
}

std::string value_text(Json const& value) {
    return value.is_string() ? std::string(value.get_string()) : to_text(value);
}

/// "length 3, value 3": every member but the one that is the subject.
std::string members_text(Json const& value, std::string_view without) {
    auto const* const object = value.if_object();
    if (object == nullptr) return value_text(value);
    std::string out;
    for (auto const& [key, item] : *object) {
        auto const text = value_text(item);
        if (std::string_view(key) == without || item.is_null() || text.empty()) continue;
        out += (out.empty() ? "" : ", ") + std::string(key) + " " + text;
    }
    return out;
}

}  // namespace

Json render_proof(Json const& proof, WallTime at) {
    Json out = proof;
    auto const* const now = find(proof, "now");
    if (now != nullptr && now->is_int64()) set_times(out, now->get_int64(), at, 0);
    return out;
}

std::vector<ProofLine> proof_lines(Json const& rendered) {
    std::vector<ProofLine> out;
    auto const* const signals = find(rendered, "signals");
    if (signals == nullptr || !signals->is_object()) return out;
    for (auto const& [name, facts] : signals->get_object()) {
        auto const* const calls = find(facts, "calls");
        auto const* const samples = find(facts, "samples");
        if (calls != nullptr && calls->is_object()) {
            for (auto const& [call, reading] : calls->get_object()) {
                out.push_back({std::string(name), std::string(call), members_text(reading, "")});
            }
        }
        if (samples == nullptr || !samples->is_array()) continue;
        for (auto const& sample : samples->get_array()) {
            out.push_back({std::string(name), text_of(sample, "at"), members_text(sample, "at")});
        }
    }
    return out;
}

}  // namespace rollbackd::api
