// Walks a YAML tree and knows at each step where it stands, by path and by line. Readers ask it for
// maps, lists and scalars; what is not there, twice there or of another shape is reported, and the
// reader goes on with what it has.
#pragma once

#include "config/yaml_tree.hpp"
#include "core/descriptor.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>

namespace rollbackd {

/// Where each part of the policy was written: "services.shop.triggers.down.when" is its key,
/// "services.shop.triggers.down.when=" its value. The checks that run on the finished policy find
/// their line here.
using Places = std::map<std::string, Mark, std::less<>>;

/// The mark of `path`, or of its nearest ancestor that was written.
Mark place_of(Places const& places, std::string_view path);

class YamlCursor {
public:
    YamlCursor(YamlRef node, Mark key_mark, std::string path, Sources& sources, Places& places);

    YamlKind kind() const { return node_->kind; }
    YamlNode const& node() const { return *node_; }
    std::string const& path() const { return path_; }
    Mark mark() const;
    Sources& sources() const { return *sources_; }
    Places& places() const { return *places_; }

    void error(std::string what) const { sources_->report(mark(), false, std::move(what)); }
    void warn(std::string what) const { sources_->report(mark(), true, std::move(what)); }
    /// At byte `offset` of this scalar's value.
    void error_at(std::size_t offset, std::string what) const { at(offset, false, what); }
    void warn_at(std::size_t offset, std::string what) const { at(offset, true, what); }

    /// "services.shop.vars is a list; expected …".
    void wrong_kind(std::string_view expected) const;
    bool expect(YamlKind kind, std::string_view expected) const;

    /// The scalar's text; nothing, and a report, for anything else and for an empty value.
    std::optional<std::string> text(std::string_view expected = "text") const;
    /// Items of a list; empty, and a report, for anything else.
    std::vector<YamlCursor> items(std::string_view expected = "a list") const;
    /// Entries of a map whose keys are free; duplicates are reported and left out.
    std::vector<std::pair<std::string, YamlCursor>> entries(std::string_view expected = "a map")
        const;
    /// The same, where each key must be a valid name for a `what` (a service, a signal).
    std::vector<std::pair<std::string, YamlCursor>> named(std::string_view what) const;

private:
    void at(std::size_t offset, bool warning, std::string what) const;
    YamlCursor child(YamlRef node, Mark key_mark, std::string_view step) const;

    YamlRef node_;
    Mark key_mark_;
    std::string path_;
    Sources* sources_;
    Places* places_;
};

/// A place in the policy with fixed keys: the one table that the reader, the JSON schema and the
/// reference documentation share.
struct Section {
    std::string name;  // as people call it: "a trigger"
    std::string doc;
    std::vector<Field> fields;

    Field const* field(std::string_view key) const;
};

/// Reads a map with the keys of a Section (and those of `more`, the types a signal may have).
class MapReader {
public:
    /// Reports another shape and duplicate keys.
    MapReader(
        YamlCursor cursor, Section const& section, std::vector<std::string> more = {},
        std::vector<std::string> later = {}
    );

    YamlCursor const& at() const { return cursor_; }
    bool has(std::string_view key) const;
    /// The value under `key`, which must be one of the section's; reports a required one missing.
    std::optional<YamlCursor> take(std::string_view key);
    /// The table's line for `key`.
    Field const& field(std::string_view key) const;
    /// Entries whose key is among `more`.
    std::vector<std::pair<std::string, YamlCursor>> others() const;
    /// Keys that stand beside this map, not in it: a reader who mixes them up is told so.
    void set_beside(Section const& section) { beside_ = &section; }
    /// Reports every key that is neither in the section nor in `more`, with the nearest that is, or
    /// that a later version brings it. True: there was such a key.
    bool finish() const;

private:
    void join_condition(std::size_t at);

    YamlCursor cursor_;
    Section const* section_;
    Section const* beside_ = nullptr;
    std::vector<std::string> more_;
    std::vector<std::string> later_;
    std::vector<std::pair<std::string, YamlCursor>> entries_;
};

/// `; did you mean "x"?` where a candidate is near, else `; expected one of …`.
std::string suggest(std::string_view wrong, std::vector<std::string> const& candidates);

}  // namespace rollbackd
