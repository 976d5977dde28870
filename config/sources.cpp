#include "config/load.hpp"
#include "config/yaml_tree.hpp"

#include <algorithm>
#include <tuple>

namespace rollbackd {

std::uint32_t Sources::add(SourceText source) {
    files_.push_back(std::move(source));
    return std::uint32_t(files_.size() - 1);
}

bool Sources::is_full() const { return found_.size() > policy_problems_max; }

void Sources::report(Mark mark, bool warning, std::string what) {
    if (!warning) ++errors_;
    if (is_full()) return;
    auto const same = [&](Found const& found) { return found.mark == mark && found.what == what; };
    // An alias is read once for each use: its mistake is still one mistake.
    if (std::any_of(found_.begin(), found_.end(), same)) return;
    if (found_.size() == policy_problems_max) {
        what = "more problems than are worth listing; mend these first";
    }
    found_.push_back({mark, warning, std::move(what)});
}

std::string Sources::describe(Mark mark, Mark here) const {
    auto const line = std::to_string(mark.line);
    return mark.file == here.file ? "line " + line : files_[mark.file].name + ":" + line;
}

std::vector<Problem> Sources::problems() const {
    auto sorted = found_;
    std::stable_sort(sorted.begin(), sorted.end(), [](Found const& a, Found const& b) {
        return std::tie(a.mark.file, a.mark.line, a.mark.column) <
               std::tie(b.mark.file, b.mark.line, b.mark.column);
    });
    std::vector<Problem> out;
    for (auto& found : sorted) {
        auto const file = found.mark.file < files_.size() ? files_[found.mark.file].name : "";
        out.push_back(
            {file, found.mark.line, found.mark.column, found.warning, std::move(found.what)}
        );
    }
    return out;
}

void Sources::hide(Mark mark, std::size_t length, std::string shown) {
    auto const text = files_[mark.file].text;
    auto const from = position_of(text, place_in_scalar(text, mark, 0));
    auto const to = position_of(text, place_in_scalar(text, mark, length));
    if (from < to) hidden_.push_back({mark.file, from, to, std::move(shown)});
}

std::string Sources::shown_text(std::uint32_t file) const {
    auto hidden = hidden_;
    std::sort(hidden.begin(), hidden.end(), [](Hidden const& a, Hidden const& b) {
        return a.from < b.from;
    });
    std::string_view const text = files_[file].text;
    std::string out;
    std::size_t position = 0;
    for (auto const& part : hidden) {
        if (part.file != file || part.from < position) continue;
        out += text.substr(position, part.from - position);
        out += part.shown;
        position = part.to;
    }
    out += text.substr(position);
    return out;
}

}  // namespace rollbackd
