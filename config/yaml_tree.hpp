// A YAML text as a tree of our own, each node with its place. Built from yaml-cpp's events, so that
// what its own nodes swallow is seen: duplicate keys, merge keys, a second document, alias bombs.
#pragma once

#include "config/problem.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace rollbackd {

/// A place in one of the files being read; line 0: the file as a whole.
struct Mark {
    std::uint32_t file = 0;
    int line = 0;
    int column = 0;

    friend bool operator==(Mark const&, Mark const&) = default;
};

enum class YamlKind { null, scalar, list, map };

struct YamlNode;
using YamlRef = std::shared_ptr<YamlNode const>;

struct YamlEntry {
    std::string key;
    Mark mark;  // of the key
    YamlRef value;
};

struct YamlNode {
    YamlKind kind = YamlKind::null;
    Mark mark;
    std::string text;     // of a scalar
    bool quoted = false;  // of a scalar: quotes or a block, so it is text and nothing else
    std::vector<YamlEntry> entries;  // of a map, in file order, duplicates kept
    std::vector<YamlRef> items;      // of a list
    std::size_t weight = 1;          // nodes below and itself, aliases expanded
};

/// One text being read.
struct SourceText {
    std::string name;
    std::string text;
};

/// The texts, and what was found wrong in them.
class Sources {
public:
    /// Answers the number the file's marks carry.
    std::uint32_t add(SourceText source);
    void set_text(std::uint32_t file, std::string text) { files_[file].text = std::move(text); }
    std::string_view text(std::uint32_t file) const { return files_[file].text; }
    std::string const& name(std::uint32_t file) const { return files_[file].name; }
    std::size_t size() const { return files_.size(); }

    void report(Mark mark, bool warning, std::string what);
    /// Nothing more is listed: a place need not be looked for.
    bool is_full() const;
    /// "line 3" within `here`, else "conf.d/x.yaml:3".
    std::string describe(Mark mark, Mark here) const;
    /// Errors reported so far.
    std::size_t errors() const { return errors_; }
    /// In order of file, line and column.
    std::vector<Problem> problems() const;

    /// Cuts the scalar at `mark` out of what is shown and journaled; `shown` stands there instead.
    void hide(Mark mark, std::size_t length, std::string shown);
    /// The file's text without the hidden scalars.
    std::string shown_text(std::uint32_t file) const;

private:
    struct Found {
        Mark mark;
        bool warning = false;
        std::string what;
    };
    struct Hidden {
        std::uint32_t file;
        std::size_t from;
        std::size_t to;
        std::string shown;
    };
    std::vector<SourceText> files_;
    std::vector<Found> found_;
    std::vector<Hidden> hidden_;
    std::size_t errors_ = 0;
};

/// Parses the one document in `file`; null after a problem that leaves nothing to read, and for an
/// empty file.
YamlRef parse_yaml(Sources& sources, std::uint32_t file);

/// What stands in place of a hidden scalar.
inline constexpr std::string_view hidden_secret = "***";

/// Where byte `offset` of a scalar's value stands in the text: inside quotes, past escapes, across
/// folded lines. `start` is the scalar's own mark.
Mark place_in_scalar(std::string_view text, Mark start, std::size_t offset);

/// Byte position of a mark in its text, and back.
std::size_t position_of(std::string_view text, Mark mark);
Mark mark_at(std::string_view text, std::uint32_t file, std::size_t position);

inline constexpr std::size_t yaml_depth_max = 64;

}  // namespace rollbackd
