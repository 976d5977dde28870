#include "config/yaml_tree.hpp"

#include "config/load.hpp"
#include "core/utf8.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>
#include <map>
#include <optional>
#include <sstream>

namespace rollbackd {

namespace {

constexpr std::string_view plain_tag = "?";
constexpr std::string_view quoted_tag = "!";
constexpr std::string_view string_tag = "tag:yaml.org,2002:str";

/// Thrown inside the handler to leave the parser; the problem is already reported.
struct Enough {};

class TreeBuilder : public YAML::EventHandler {
public:
    TreeBuilder(Sources& sources, std::uint32_t file) : sources_(sources), file_(file) {}

    YamlRef root() const { return root_; }

    void OnDocumentStart(YAML::Mark const&) override {}
    void OnDocumentEnd() override {}

    void OnNull(YAML::Mark const& mark, YAML::anchor_t anchor) override {
        auto node = std::make_shared<YamlNode>();
        node->mark = here(mark);
        finish(std::move(node), anchor);
    }

    void OnAlias(YAML::Mark const& mark, YAML::anchor_t anchor) override {
        auto const found = anchors_.find(anchor);
        if (found == anchors_.end()) {
            sources_.report(here(mark), false, "this alias stands inside the very thing it names");
            throw Enough{};
        }
        count(found->second->weight, here(mark));
        attach(found->second, here(mark));
    }

    void OnScalar(
        YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
        std::string const& value
    ) override {
        auto node = std::make_shared<YamlNode>();
        node->kind = YamlKind::scalar;
        node->mark = here(mark);
        node->text = value;
        node->quoted = tag == quoted_tag || tag == string_tag;
        if (!node->quoted) refuse_tag(tag, mark);
        finish(std::move(node), anchor);
    }

    void OnSequenceStart(
        YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
        YAML::EmitterStyle::value
    ) override {
        open(YamlKind::list, mark, tag, anchor);
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(
        YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor,
        YAML::EmitterStyle::value
    ) override {
        open(YamlKind::map, mark, tag, anchor);
    }
    void OnMapEnd() override { close(); }

private:
    struct Frame {
        std::shared_ptr<YamlNode> node;
        YAML::anchor_t anchor = 0;
        std::optional<YamlEntry> pending;  // of a map: the key that waits for its value
        bool drop = false;                 // its key cannot be used, the value is read past
    };

    Mark here(YAML::Mark const& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

    void refuse_tag(std::string const& tag, YAML::Mark const& mark) {
        if (tag.empty() || tag == plain_tag || tag == quoted_tag) return;
        sources_.report(here(mark), false, "YAML tags are not used here; write the plain value");
    }

    void open(
        YamlKind kind, YAML::Mark const& mark, std::string const& tag, YAML::anchor_t anchor
    ) {
        refuse_tag(tag, mark);
        if (frames_.size() >= yaml_depth_max) {
            sources_.report(
                here(mark), false,
                "nested deeper than " + std::to_string(yaml_depth_max) + " levels"
            );
            throw Enough{};
        }
        Frame frame;
        frame.node = std::make_shared<YamlNode>();
        frame.node->kind = kind;
        frame.node->mark = here(mark);
        frame.anchor = anchor;
        frames_.push_back(std::move(frame));
    }

    void close() {
        auto frame = std::move(frames_.back());
        frames_.pop_back();
        finish(std::move(frame.node), frame.anchor);
    }

    void finish(std::shared_ptr<YamlNode> node, YAML::anchor_t anchor) {
        Mark const mark = node->mark;
        if (anchor != 0) anchors_[anchor] = node;
        count(1, mark);
        attach(std::move(node), mark);
    }

    void count(std::size_t nodes, Mark mark) {
        nodes_ += nodes;
        if (nodes_ <= policy_nodes_max) return;
        sources_.report(
            mark, false,
            "more than " + std::to_string(policy_nodes_max) +
                " values, those of an alias counted each time"
        );
        throw Enough{};
    }

    void attach(YamlRef node, Mark mark) {
        if (frames_.empty()) {
            root_ = std::move(node);
            return;
        }
        Frame& parent = frames_.back();
        if (parent.node->kind == YamlKind::list) {
            parent.node->weight += node->weight;
            parent.node->items.push_back(std::move(node));
        } else if (!parent.pending) {
            take_key(parent, *node, mark);
        } else {
            parent.node->weight += node->weight;
            parent.pending->value = std::move(node);
            if (!parent.drop) parent.node->entries.push_back(std::move(*parent.pending));
            parent.pending.reset();
            parent.drop = false;
        }
    }

    void take_key(Frame& parent, YamlNode const& node, Mark mark) {
        parent.pending = YamlEntry{node.text, mark, nullptr};
        parent.node->weight += 1;
        if (node.kind == YamlKind::map || node.kind == YamlKind::list) {
            sources_.report(
                mark, false, "a key must be plain text; a template needs quotes: \"{{ name }}\""
            );
            parent.drop = true;
        } else if (node.kind == YamlKind::null) {
            sources_.report(mark, false, "an empty key");
            parent.drop = true;
        } else if (node.text == "<<" && !node.quoted) {
            sources_.report(
                mark, false,
                "merge keys (<<) are not supported; repeat the keys, or use an alias "
                "for a whole value"
            );
            parent.drop = true;
        }
    }

    Sources& sources_;
    std::uint32_t file_;
    std::vector<Frame> frames_;
    std::map<YAML::anchor_t, YamlRef> anchors_;
    std::size_t nodes_ = 0;
    YamlRef root_;
};

/// yaml-cpp's sentence, and the usual reason where the line shows it.
std::string explain(std::string const& message, std::string_view text, int line) {
    std::string out = "not valid YAML: " + message;
    std::istringstream lines{std::string(text)};
    std::string content;
    for (int i = 0; i <= line && std::getline(lines, content); ++i) {
    }
    auto const template_at = content.find("{{");
    if (template_at != std::string::npos && template_at > 0 &&
        content.find_first_of("\"'") > template_at) {
        out += "; a template needs quotes: \"{{ name }}\"";
    } else if (content.find('\t') != std::string::npos) {
        out += "; indent with spaces, not tabs";
    }
    return out;
}

}  // namespace

YamlRef parse_yaml(Sources& sources, std::uint32_t file) {
    auto const text = sources.text(file);
    auto const zero = text.find('\0');
    if (zero != std::string_view::npos) {
        sources.report(mark_at(text, file, zero), false, "a zero byte: this is no text file");
        return nullptr;
    }
    if (auto const at = find_not_utf8(text); at != std::string_view::npos) {
        sources.report(mark_at(text, file, at), false, "not UTF-8; save the file in that encoding");
        return nullptr;
    }
    TreeBuilder builder(sources, file);
    try {
        std::istringstream stream{std::string(text)};
        YAML::Parser parser(stream);
        if (!parser.HandleNextDocument(builder)) return nullptr;
        TreeBuilder second(sources, file);
        if (parser.HandleNextDocument(second) && second.root() != nullptr) {
            sources.report(
                second.root()->mark, false,
                "a second document (after ---) would be ignored; keep one document in a file, "
                "and further files in conf.d"
            );
        }
    } catch (Enough const&) {
        return nullptr;
    } catch (YAML::Exception const& problem) {
        bool const placed = !problem.mark.is_null();
        Mark const mark{
            file, placed ? problem.mark.line + 1 : 0, placed ? problem.mark.column + 1 : 0
        };
        sources.report(mark, false, explain(problem.msg, text, placed ? problem.mark.line : -1));
        return nullptr;
    } catch (std::exception const& problem) {
        sources.report({file, 0, 0}, false, std::string("cannot be read: ") + problem.what());
        return nullptr;
    }
    return builder.root();
}

}  // namespace rollbackd
