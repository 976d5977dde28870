#include "config/yaml_cursor.hpp"

#include "core/ensure.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

std::string_view kind_name(YamlKind kind) {
    switch (kind) {
        case YamlKind::null:
            return "empty";
        case YamlKind::scalar:
            return "a single value";
        case YamlKind::list:
            return "a list";
        case YamlKind::map:
            return "a map";
    }
    return "";
}

std::string quoted(std::string_view text) { return "\"" + printable(text, 80) + "\""; }

long open_parentheses(std::string_view text) {
    return std::count(text.begin(), text.end(), '(') - std::count(text.begin(), text.end(), ')');
}

}  // namespace

Mark place_of(Places const& places, std::string_view path) {
    while (true) {
        if (auto const found = places.find(path); found != places.end()) return found->second;
        auto const dot = path.rfind('.');
        if (path.empty()) return {};
        path = dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
    }
}

std::string suggest(std::string_view wrong, std::vector<std::string> const& candidates) {
    auto const near = nearest_name(wrong, candidates);
    if (!near.empty()) return "; did you mean " + quoted(near) + "?";
    if (candidates.empty()) return "; none is defined";
    constexpr std::size_t listed_max = 24;
    std::string out = "; expected ";
    if (candidates.size() > 1) out += "one of ";
    for (std::size_t i = 0; i < candidates.size() && i < listed_max; ++i) {
        out += (i == 0 ? "" : ", ") + printable(candidates[i], 64);
    }
    if (candidates.size() > listed_max) out += ", …";
    return out;
}

YamlCursor::YamlCursor(
    YamlRef node, Mark key_mark, std::string path, Sources& sources, Places& places
)
    : node_(std::move(node)),
      key_mark_(key_mark),
      path_(std::move(path)),
      sources_(&sources),
      places_(&places) {
    ensure(node_ != nullptr, "a cursor stands on a node");
    places.emplace(path_, key_mark_.line > 0 ? key_mark_ : node_->mark);
    places.emplace(path_ + "=", mark());
}

Mark YamlCursor::mark() const {
    // An empty value has no place of its own that a person would recognise.
    return node_->kind == YamlKind::null && key_mark_.line > 0 ? key_mark_ : node_->mark;
}

void YamlCursor::at(std::size_t offset, bool warning, std::string what) const {
    if (sources_->is_full()) return sources_->report(node_->mark, warning, std::move(what));
    auto const place = place_in_scalar(sources_->text(node_->mark.file), node_->mark, offset);
    sources_->report(place, warning, std::move(what));
}

void YamlCursor::wrong_kind(std::string_view expected) const {
    auto const where = path_.empty() ? std::string("the file") : printable(path_, 200);
    error(where + " is " + std::string(kind_name(kind())) + "; expected " + std::string(expected));
}

bool YamlCursor::expect(YamlKind wanted, std::string_view expected) const {
    if (kind() == wanted) return true;
    wrong_kind(expected);
    return false;
}

std::optional<std::string> YamlCursor::text(std::string_view expected) const {
    if (kind() == YamlKind::map && node_->entries.empty() && node_->weight > 1) {
        // `key: {{ name }}` without quotes is a map with a map for its key, reported already.
        return std::nullopt;
    }
    if (!expect(YamlKind::scalar, expected)) return std::nullopt;
    return node_->text;
}

YamlCursor YamlCursor::child(YamlRef node, Mark key_mark, std::string_view step) const {
    auto path = path_.empty() ? std::string(step) : path_ + "." + std::string(step);
    return {std::move(node), key_mark, std::move(path), *sources_, *places_};
}

std::vector<YamlCursor> YamlCursor::items(std::string_view expected) const {
    std::vector<YamlCursor> out;
    if (!expect(YamlKind::list, expected)) return out;
    for (std::size_t i = 0; i < node_->items.size(); ++i) {
        out.push_back(child(node_->items[i], {}, std::to_string(i)));
    }
    return out;
}

std::vector<std::pair<std::string, YamlCursor>> YamlCursor::entries(std::string_view expected
) const {
    std::vector<std::pair<std::string, YamlCursor>> out;
    if (!expect(YamlKind::map, expected)) return out;
    std::map<std::string_view, Mark> seen;
    for (auto const& entry : node_->entries) {
        auto const [first, is_new] = seen.emplace(entry.key, entry.mark);
        if (!is_new) {
            sources_->report(
                entry.mark, false,
                "duplicate key " + quoted(entry.key) + "; it is already on " +
                    sources_->describe(first->second, entry.mark)
            );
            continue;
        }
        out.emplace_back(entry.key, child(entry.value, entry.mark, entry.key));
    }
    return out;
}

std::vector<std::pair<std::string, YamlCursor>> YamlCursor::named(std::string_view what) const {
    auto all = entries("a map of names");
    std::erase_if(all, [&](auto const& entry) {
        if (is_valid_name(entry.first)) return false;
        sources_->report(
            place_of(*places_, entry.second.path()), false,
            quoted(entry.first) + " is no name for " + std::string(what) +
                "; a letter, then letters, digits, _ or -, at most 64"
        );
        return true;
    });
    return all;
}

Field const* Section::field(std::string_view key) const {
    auto const found = std::find_if(fields.begin(), fields.end(), [&](Field const& known) {
        return known.name == key;
    });
    return found == fields.end() ? nullptr : &*found;
}

MapReader::MapReader(
    YamlCursor cursor, Section const& section, std::vector<std::string> more,
    std::vector<std::string> later
)
    : cursor_(std::move(cursor)),
      section_(&section),
      more_(std::move(more)),
      later_(std::move(later)) {
    std::string keys;
    for (auto const& field : section.fields) keys += (keys.empty() ? "" : ", ") + field.name;
    for (auto const& key : more_) keys += (keys.empty() ? "" : ", ") + key;
    entries_ = cursor_.entries("a map with the keys of " + section.name + ": " + keys);
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        auto const* const field = section.field(entries_[i].first);
        if (field != nullptr && field->type == FieldType::condition) join_condition(i);
    }
}

/// `{ when: failures(s, 5m) > 3 }` without quotes is, to YAML, a value that ends at the comma and a
/// key of its own. What was meant is plain as long as a ( waits for its ): read it, and say so.
void MapReader::join_condition(std::size_t at) {
    auto const& node = entries_[at].second.node();
    if (node.kind != YamlKind::scalar || node.quoted) return;
    auto depth = open_parentheses(node.text);
    auto last = at;
    while (depth > 0 && last + 1 < entries_.size()) {
        auto const& next = entries_[last + 1];
        if (next.second.kind() != YamlKind::null || section_->field(next.first) != nullptr) return;
        depth += open_parentheses(next.first);
        ++last;
    }
    if (last == at || depth != 0) return;
    auto const& cursor = entries_[at].second;
    auto const text = cursor.sources().text(node.mark.file);
    auto const from = position_of(text, node.mark);
    auto const& end_key = entries_[last];
    auto const key_mark = place_of(cursor.places(), end_key.second.path());
    auto const to = position_of(text, key_mark) + end_key.first.size();
    if (key_mark.file != node.mark.file || to <= from) return;
    auto joined = std::make_shared<YamlNode>(node);
    joined->text = text.substr(from, to - from);
    cursor.warn(
        "a condition with a comma needs quotes inside { }; read as " + quoted(joined->text)
    );
    YamlCursor whole(
        std::move(joined), place_of(cursor.places(), cursor.path()), cursor.path(),
        cursor.sources(), cursor.places()
    );
    entries_[at].second = std::move(whole);
    entries_.erase(entries_.begin() + long(at) + 1, entries_.begin() + long(last) + 1);
}

bool MapReader::has(std::string_view key) const {
    return std::any_of(entries_.begin(), entries_.end(), [&](auto const& entry) {
        return entry.first == key;
    });
}

Field const& MapReader::field(std::string_view key) const {
    auto const* const found = section_->field(key);
    ensure(found != nullptr, "a reader asks only for keys of its section");
    return *found;
}

std::optional<YamlCursor> MapReader::take(std::string_view key) {
    auto const* const wanted = &field(key);
    auto const found = std::find_if(entries_.begin(), entries_.end(), [&](auto const& entry) {
        return entry.first == key;
    });
    if (found != entries_.end()) return found->second;
    if (wanted->required && cursor_.kind() == YamlKind::map) {
        auto const where = cursor_.path().empty() ? "" : " in " + printable(cursor_.path(), 200);
        cursor_.sources().report(
            place_of(cursor_.places(), cursor_.path()), false,
            "missing key " + quoted(key) + where + ": " + wanted->doc
        );
    }
    return std::nullopt;
}

std::vector<std::pair<std::string, YamlCursor>> MapReader::others() const {
    std::vector<std::pair<std::string, YamlCursor>> out;
    for (auto const& entry : entries_) {
        if (std::find(more_.begin(), more_.end(), entry.first) != more_.end()) {
            out.push_back(entry);
        }
    }
    return out;
}

bool MapReader::finish() const {
    bool strange = false;
    std::vector<std::string> known;
    for (auto const& field : section_->fields) known.push_back(field.name);
    known.insert(known.end(), more_.begin(), more_.end());
    for (auto const& [key, value] : entries_) {
        if (std::find(known.begin(), known.end(), key) != known.end()) continue;
        strange = true;
        auto what = "unknown key " + quoted(key) + " in " + section_->name;
        if (std::find(later_.begin(), later_.end(), key) != later_.end()) {
            what =
                quoted(key) + " arrives in a later version of rollbackd; this one does not have it";
        } else if (beside_ != nullptr && beside_->field(key) != nullptr) {
            what = quoted(key) + " is a key of " + beside_->name + ": it stands beside " +
                   section_->name + ", not in it";
        } else if (key.find(')') != std::string::npos) {
            what += "; a condition with a comma needs quotes inside { }";
        } else {
            what += suggest(key, known);
        }
        cursor_.sources().report(place_of(cursor_.places(), value.path()), false, std::move(what));
    }
    return strange;
}

}  // namespace rollbackd
