#include "triggers/sources/access_log_pattern.hpp"

#include "core/names.hpp"
#include "triggers/sources/access_log_fields.hpp"

#include <re2/re2.h>
#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::int64_t expression_memory_max = 1 << 20;
constexpr std::size_t name_shown_max = 64;

bool is_one_of(std::vector<std::string> const& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::string unknown_group(std::string const& name) {
    auto const& fields = log_pattern_fields();
    auto text = "the group \"" + printable(name, name_shown_max) + "\" is no field of a line";
    auto const nearest = nearest_name(name, fields);
    if (!nearest.empty()) return text + ", did you mean \"" + nearest + "\"?";
    for (auto const& known : fields)
        text += (&known == &fields.front() ? "; one of " : ", ") + known;
    return text + ", or the signal's by";
}

// A group that caught nothing, or "-", says nothing.
void set_field(LogLine& line, std::string const& name, std::string_view text) {
    if (text.empty() || text == "-") return;
    if (name == "time") {
        line.time = time_in(text);
    } else if (name == "status") {
        line.status = status_in(text);
    } else if (name == "method") {
        line.method = std::string(text);
    } else if (name == "path") {
        set_target(line, unescape(text));
    } else if (name == "request") {
        set_request(line, unescape(text));
    } else if (name == "host") {
        line.host = std::string(text);
    } else if (name == "client") {
        line.client = std::string(text);
    } else if (name == "latency") {
        line.latency = number_in(text);
    } else if (name == "id") {
        line.id = unescape(text);
    } else if (name == "query") {
        line.query = std::string(text.starts_with('?') ? text.substr(1) : text);
    }
}

}  // namespace

std::vector<std::string> const& log_pattern_fields() {
    static std::vector<std::string> const fields{"time",  "status", "request", "method",  "path",
                                                 "query", "host",   "client",  "latency", "id"};
    return fields;
}

Result<LogPattern> LogPattern::make(std::string const& text, std::vector<std::string> const& own) {
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(expression_memory_max);
    auto made = std::make_shared<re2::RE2 const>(text, options);
    if (!made->ok()) return fail(Errc::invalid, "not an RE2 expression: " + made->error());
    if (made->NamedCapturingGroups().empty()) {
        return fail(
            Errc::invalid,
            "it has no named groups; write the fields as (?P<status>\\d{3}) and so on"
        );
    }
    LogPattern pattern;
    pattern.own_ = own;
    pattern.groups_.resize(std::size_t(made->NumberOfCapturingGroups()) + 1);
    for (auto const& [name, number] : made->NamedCapturingGroups()) {
        if (!is_one_of(log_pattern_fields(), name) && !is_one_of(own, name)) {
            return fail(Errc::invalid, unknown_group(name));
        }
        pattern.groups_[std::size_t(number)] = name;
    }
    pattern.expression_ = std::move(made);
    return pattern;
}

bool LogPattern::has(std::string_view name) const { return is_one_of(groups_, name); }

std::optional<LogLine> LogPattern::parse(std::string_view text) const {
    std::vector<re2::StringPiece> caught(groups_.size());
    re2::StringPiece const whole(text.data(), text.size());
    bool const matches = expression_->Match(
        whole, 0, whole.size(), RE2::UNANCHORED, caught.data(), int(caught.size())
    );
    if (!matches) return std::nullopt;
    LogLine line;
    // In their order: a `query` group after `path` adds to it.
    for (std::size_t i = 1; i < groups_.size(); ++i) {
        if (groups_[i].empty() || caught[i].data() == nullptr) continue;
        std::string_view const field(caught[i].data(), caught[i].size());
        set_field(line, groups_[i], field);
        if (is_one_of(own_, groups_[i])) line.named[groups_[i]] = unescape(field);
    }
    return line;
}

}  // namespace rollbackd
