#include "config/files.hpp"

#include "config/load.hpp"
#include "core/names.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

namespace rollbackd {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t path_bytes_max = 4096;
constexpr std::string_view file_line = "#%rollbackd file: ";
constexpr char const* too_large = "larger than 1 MiB; spread its services over files in conf.d/";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::string without_mark(std::string text) {
    if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
    return text;
}

void read_file(Sources& sources, fs::path const& path) {
    auto const file = sources.add({path.string(), ""});
    auto const refuse = [&](std::string what) {
        sources.report({file, 0, 0}, false, std::move(what));
    };
    std::error_code code;
    auto const status = fs::status(path, code);
    if (status.type() == fs::file_type::not_found) {
        return refuse("there is no such file");
    }
    if (code) return refuse("cannot be read: " + code.message());
    if (fs::is_directory(status)) return refuse("this is a directory, not a file");
    std::ifstream stream(path, std::ios::binary);
    if (!stream) return refuse(std::string("cannot be read: ") + std::strerror(errno));
    std::string text(policy_file_bytes_max + 1, '\0');
    stream.read(text.data(), std::streamsize(text.size()));
    text.resize(std::size_t(stream.gcount()));
    if (stream.bad()) return refuse("cannot be read to its end");
    if (text.size() > policy_file_bytes_max) return refuse(too_large);
    sources.set_text(file, without_mark(std::move(text)));
}

std::vector<fs::path> files_beside(Sources& sources, fs::path const& folder) {
    std::vector<fs::path> files;
    std::error_code code;
    for (fs::directory_iterator it(folder, code), end; !code && it != end; it.increment(code)) {
        auto const path = it->path();
        auto const name = path.filename().string();
        if (name.starts_with('.')) continue;
        if (path.extension() == ".yaml") {
            files.push_back(path);
        } else if (path.extension() == ".yml") {
            auto const file = sources.add({path.string(), ""});
            sources.report({file, 0, 0}, true, "not read: files of conf.d must end in .yaml");
        }
    }
    bool const is_there = code != std::errc::no_such_file_or_directory;
    if (code && is_there) {
        auto const file = sources.add({folder.string(), ""});
        sources.report({file, 0, 0}, false, "cannot be listed: " + code.message());
    }
    std::sort(files.begin(), files.end());
    return files;
}

/// The name a file has from the main file's folder: stable wherever that folder lies.
std::string short_name(std::string const& name) {
    fs::path const path(name);
    auto const parent = path.parent_path().filename();
    return parent == "conf.d" ? "conf.d/" + path.filename().string() : path.filename().string();
}

/// Puts the entries of several maps, or the items of several lists, into one node.
std::shared_ptr<YamlNode> joined(YamlNode const& first, YamlNode const& more) {
    auto node = std::make_shared<YamlNode>(first);
    node->entries.insert(node->entries.end(), more.entries.begin(), more.entries.end());
    node->items.insert(node->items.end(), more.items.begin(), more.items.end());
    node->weight += more.weight;
    return node;
}

/// Adds `entry` to `into`: joined with the one already there where its key may be spread over files
/// (at this level: `spread`), else beside it.
void merge_entry(YamlNode& into, YamlEntry const& entry, std::set<std::string_view> const& spread) {
    auto const same = std::find_if(into.entries.begin(), into.entries.end(), [&](auto const& old) {
        return old.key == entry.key && old.mark.file != entry.mark.file;
    });
    bool const joins = same != into.entries.end() && spread.contains(entry.key) &&
                       same->value->kind == entry.value->kind &&
                       entry.value->kind != YamlKind::scalar;
    if (!joins) {
        into.entries.push_back(entry);
        return;
    }
    if (entry.key != "daemon") {
        same->value = joined(*same->value, *entry.value);
        return;
    }
    auto daemon = std::make_shared<YamlNode>(*same->value);
    for (auto const& part : entry.value->entries) {
        merge_entry(*daemon, part, {"tokens", "references"});
    }
    same->value = std::move(daemon);
}

void merge_file(Sources& sources, YamlNode& into, YamlNode const& root) {
    static std::set<std::string_view> const spread{"daemon", "services", "notify", "hosts"};
    for (auto const& entry : root.entries) {
        auto const version =
            std::find_if(into.entries.begin(), into.entries.end(), [&](auto const& old) {
                return old.key == "version" && entry.key == "version";
            });
        bool const elsewhere =
            version != into.entries.end() && version->mark.file != entry.mark.file;
        if (!elsewhere) {
            merge_entry(into, entry, spread);
        } else if (version->value->text != entry.value->text) {
            sources.report(
                entry.value->mark, false,
                "version differs from " + sources.describe(version->mark, entry.mark)
            );
        }
    }
    into.weight += root.weight;
}

}  // namespace

void read_files(Sources& sources, std::string const& path) {
    read_file(sources, path);
    auto const folder = fs::path(path).parent_path() / "conf.d";
    auto const files = files_beside(sources, folder);
    if (files.size() >= policy_files_max) {
        auto const file = sources.add({folder.string(), ""});
        sources.report(
            {file, 0, 0}, false,
            "holds more than " + std::to_string(policy_files_max - 1) + " files"
        );
        return;
    }
    for (auto const& file : files) read_file(sources, file);
}

void split_texts(Sources& sources, std::string_view text, std::string const& name) {
    if (!text.starts_with(file_line)) {
        sources.add({name, without_mark(std::string(text))});
        return;
    }
    while (!text.empty() && sources.size() < policy_files_max) {
        auto const line_end = std::min(text.find('\n'), text.size());
        auto const file = text.substr(file_line.size(), line_end - file_line.size());
        text.remove_prefix(std::min(line_end + 1, text.size()));
        auto end = text.starts_with(file_line) ? 0 : text.find("\n" + std::string(file_line));
        if (end != 0) end = end == std::string_view::npos ? text.size() : end + 1;
        sources.add({printable(file, path_bytes_max), std::string(text.substr(0, end))});
        text.remove_prefix(end);
    }
}

std::string join_texts(Sources const& sources) {
    std::vector<std::uint32_t> files;
    for (std::uint32_t file = 0; file < sources.size(); ++file) {
        if (!sources.text(file).empty()) files.push_back(file);
    }
    if (files.size() == 1) return sources.shown_text(files[0]);
    std::string out;
    for (auto const file : files) {
        auto text = sources.shown_text(file);
        if (text.back() != '\n') text += '\n';
        out += std::string(file_line) + short_name(sources.name(file)) + "\n" + text;
    }
    return out;
}

YamlRef parse_files(Sources& sources) {
    std::shared_ptr<YamlNode> merged;
    for (std::uint32_t file = 0; file < sources.size(); ++file) {
        if (sources.text(file).size() > policy_file_bytes_max) {
            sources.report({file, 0, 0}, false, too_large);
            continue;
        }
        auto const root = parse_yaml(sources, file);
        if (root == nullptr) continue;
        if (root->kind != YamlKind::map) {
            sources.report(root->mark, false, "a policy is a map that begins with version: 1");
            continue;
        }
        if (merged == nullptr) {
            merged = std::make_shared<YamlNode>(*root);
        } else {
            merge_file(sources, *merged, *root);
        }
    }
    if (merged != nullptr && merged->weight > policy_values_max) {
        sources.report(
            {0, 0, 0}, false,
            "more than " + std::to_string(policy_values_max) + " values, all files together"
        );
        return nullptr;
    }
    return merged;
}

}  // namespace rollbackd
