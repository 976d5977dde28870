#include "api/proof.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace rollbackd::api {

namespace {

constexpr std::array<std::string_view, 5> moments{"now", "at", "from", "to", "since"};
constexpr std::size_t depth_max = 8;

bool is_moment(std::string_view key) {
    return std::find(moments.begin(), moments.end(), key) != moments.end();
}

/// Instants are told apart by their member's name.
void set_times(Json& value, Now const& anchor, std::size_t depth) {
    if (depth > depth_max) return;
    if (auto* const array = value.if_array()) {
        for (auto& item : *array) set_times(item, anchor, depth + 1);
    }
    auto* const object = value.if_object();
    if (object == nullptr) return;
    for (auto& [key, item] : *object) {
        if (!item.is_int64() || !is_moment(key)) {
            set_times(item, anchor, depth + 1);
            continue;
        }
        item = format_rfc3339(to_wall(Instant(Duration(item.get_int64())), anchor));
    }
}

std::string value_text(Json const& value) {
    if (value.is_string()) return std::string(value.get_string());
    if (!value.is_double()) return to_text(value);
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.6g", value.get_double());
    return text.data();
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

class Lines {
public:
    void add(ProofLine line) {
        if (!lines_.empty() && lines_.back() == line) {
            ++times_;
            return;
        }
        end();
        lines_.push_back(std::move(line));
    }

    std::vector<ProofLine> take() && {
        end();
        return std::move(lines_);
    }

private:
    void end() {
        if (times_ > 1) lines_.back().text += " (" + std::to_string(times_) + " of them)";
        times_ = 1;
    }

    std::vector<ProofLine> lines_;
    std::size_t times_ = 1;  // of the last line
};

}  // namespace

Json render_proof(Json const& proof, Now const& anchor) {
    Json out = proof;
    set_times(out, anchor, 0);
    return out;
}

std::vector<ProofLine> proof_lines(Json const& rendered) {
    auto const* const signals = find(rendered, "signals");
    if (signals == nullptr || !signals->is_object()) return {};
    Lines lines;
    for (auto const& [name, facts] : signals->get_object()) {
        auto const* const calls = find(facts, "calls");
        auto const* const samples = find(facts, "samples");
        if (calls != nullptr && calls->is_object()) {
            for (auto const& [call, reading] : calls->get_object()) {
                lines.add({std::string(name), std::string(call), members_text(reading, "")});
            }
        }
        if (samples == nullptr || !samples->is_array()) continue;
        for (auto const& sample : samples->get_array()) {
            lines.add({std::string(name), text_of(sample, "at"), members_text(sample, "at")});
        }
    }
    return std::move(lines).take();
}

}  // namespace rollbackd::api
