#include "triggers/probes/prom_text.hpp"

#include "core/names.hpp"

#include <charconv>
#include <limits>

namespace rollbackd {

namespace {

constexpr std::size_t shown_max = 40;

bool is_name(char c, bool first) {
    bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':';
    return letter || (!first && c >= '0' && c <= '9');
}

bool is_blank(char c) { return c == ' ' || c == '\t'; }

bool same(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (std::size_t i = 0; i < a.size(); ++i) {
        char const lower = char(a[i] >= 'A' && a[i] <= 'Z' ? a[i] + 32 : a[i]);
        if (lower != b[i]) return false;
    }
    return true;
}

bool read_value(std::string_view text, double& value) {
    bool const negative = text.starts_with('-');
    auto const bare = negative || text.starts_with('+') ? text.substr(1) : text;
    if (same(bare, "inf") || same(bare, "infinity")) {
        value = std::numeric_limits<double>::infinity() * (negative ? -1 : 1);
        return true;
    }
    if (same(bare, "nan")) {
        value = std::numeric_limits<double>::quiet_NaN();
        return true;
    }
    auto const number = text.starts_with('+') ? bare : text;
    auto const [end, code] = std::from_chars(number.data(), number.data() + number.size(), value);
    if (code == std::errc::result_out_of_range) value = 0;
    return code == std::errc{} && end == number.data() + number.size();
}

/// One line, read from its beginning; every take…() moves on.
class Line {
public:
    explicit Line(std::string_view text) : text_(text) {}

    void skip_blanks() {
        while (!text_.empty() && is_blank(text_.front())) text_.remove_prefix(1);
    }
    bool empty() const { return text_.empty(); }
    char front() const { return text_.empty() ? '\0' : text_.front(); }
    bool take(char c) {
        if (front() != c) return false;
        text_.remove_prefix(1);
        return true;
    }
    std::string_view take_name() {
        std::size_t length = 0;
        while (length < text_.size() && is_name(text_[length], length == 0)) ++length;
        return take_first(length);
    }
    std::string_view take_word() {
        std::size_t length = 0;
        while (length < text_.size() && !is_blank(text_[length])) ++length;
        return take_first(length);
    }
    /// A quoted text, its escapes undone; false where it does not end.
    bool take_quoted(std::string& out) {
        if (!take('"')) return false;
        while (!text_.empty()) {
            char c = text_.front();
            text_.remove_prefix(1);
            if (c == '"') return true;
            if (c == '\\') {
                if (text_.empty()) return false;
                char const escaped = text_.front();
                text_.remove_prefix(1);
                c = escaped == 'n' ? '\n' : escaped;
            }
            out += c;
        }
        return false;
    }

private:
    std::string_view take_first(std::size_t length) {
        auto const taken = text_.substr(0, length);
        text_.remove_prefix(length);
        return taken;
    }

    std::string_view text_;
};

char const* read_labels(Line& line, PromSample& sample) {
    if (!line.take('{')) return nullptr;
    for (line.skip_blanks(); !line.take('}'); line.skip_blanks()) {
        if (sample.labels.size() == prom_labels_max) return "too many labels";
        auto const name = line.take_name();
        if (name.empty()) return "expected a label's name";
        line.skip_blanks();
        if (!line.take('=')) return "expected = after a label's name";
        line.skip_blanks();
        std::string value;
        if (!line.take_quoted(value)) return "expected a label's value in quotes";
        sample.labels.emplace_back(name, std::move(value));
        line.skip_blanks();
        if (!line.take(',') && line.front() != '}') return "expected , or } after a label";
    }
    return nullptr;
}

/// Why the line is none; nullptr: it is a sample.
char const* read_sample(std::string_view text, PromSample& sample) {
    Line line(text);
    line.skip_blanks();
    sample.name = line.take_name();
    if (sample.name.empty()) return "expected a metric's name";
    line.skip_blanks();
    if (auto const* const wrong = read_labels(line, sample)) return wrong;
    line.skip_blanks();
    if (!read_value(line.take_word(), sample.value)) return "expected a number after the metric";
    line.skip_blanks();
    if (line.front() == '#') return nullptr;  // an exemplar
    double timestamp = 0;
    if (!line.empty() && !read_value(line.take_word(), timestamp)) return "expected a timestamp";
    line.skip_blanks();
    return line.empty() || line.front() == '#' ? nullptr : "something stands after the sample";
}

std::string_view name_of(std::string_view line) {
    std::size_t from = 0;
    while (from < line.size() && is_blank(line[from])) ++from;
    std::size_t to = from;
    while (to < line.size() && is_name(line[to], to == from)) ++to;
    return line.substr(from, to - from);
}

}  // namespace

std::string_view PromSample::label(std::string_view name_asked) const {
    for (auto const& [name_known, text] : labels) {
        if (name_known == name_asked) return text;
    }
    return {};
}

Result<void> read_prom_text(
    std::string_view text, std::function<bool(std::string_view name)> const& wanted,
    std::function<void(PromSample const&)> const& each
) {
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        auto const end = text.find('\n');
        auto line = text.substr(0, end);
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
        if (line.ends_with('\r')) line.remove_suffix(1);
        auto const first = line.find_first_not_of(" \t");
        if (first == std::string_view::npos || line[first] == '#') continue;
        auto const where = "line " + std::to_string(number);
        if (line.size() > prom_line_bytes_max)
            return fail(Errc::too_large, "the line is too long", where);
        auto const name = name_of(line);
        // A name alone may be skipped; what is no name at all is no metrics.
        if (!name.empty() && !wanted(name)) continue;
        PromSample sample;
        if (auto const* const wrong = read_sample(line, sample)) {
            return fail(
                Errc::invalid, std::string(wrong) + ": \"" + printable_line(line, shown_max) + "\"",
                where
            );
        }
        each(sample);
    }
    return {};
}

}  // namespace rollbackd
