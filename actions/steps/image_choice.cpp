#include "actions/steps/image_choice.hpp"

#include "actions/steps/backup_choice.hpp"
#include "core/names.hpp"

#include <algorithm>
#include <charconv>
#include <set>

namespace rollbackd {

namespace {

struct Image {
    std::string id;
    std::uint64_t bytes = 0;
    std::int64_t made_s = 0;
    std::vector<std::string> names;
};

std::vector<std::string_view> split(std::string_view line) {
    std::vector<std::string_view> words;
    while (!line.empty()) {
        auto const end = line.find(' ');
        if (end != 0) words.push_back(line.substr(0, end));
        line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
    }
    return words;
}

template <class T>
std::optional<T> number_of(std::string_view text) {
    T value{};
    auto const* const end = text.data() + text.size();
    auto const [stop, code] = std::from_chars(text.data(), end, value);
    if (code != std::errc() || stop != end) return std::nullopt;
    return value;
}

/// "\"2026-11-22T21:30:00.5Z\"". Where it is not in UTC its day may be another: taken as younger.
std::optional<std::int64_t> made_at(std::string_view text) {
    if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
    text = text.substr(1, text.size() - 2);
    // Images without a time of their own say the year 1, 1970 or 1980.
    if (text.starts_with("0001-") || text.starts_with("1970-") || text.starts_with("1980-")) {
        return 0;
    }
    constexpr std::size_t seconds_end = 19;
    auto const stamp = stamp_of(text.substr(0, seconds_end));
    if (!stamp || text.size() <= seconds_end) return std::nullopt;
    constexpr std::int64_t zone_max = 14 * 3600;
    return text.back() == 'Z' ? *stamp : *stamp + zone_max;
}

std::optional<Image> image_of(std::vector<std::string_view> const& words) {
    if (words.size() < 4) return std::nullopt;
    auto const bytes = number_of<std::uint64_t>(words[2]);
    auto const made = made_at(words[3]);
    bool const has_id = words[1].starts_with("sha256:") && words[1].size() > 7;
    if (!bytes || !made || !has_id) return std::nullopt;
    Image image{std::string(words[1]), *bytes, *made, {}};
    for (std::size_t i = 4; i < words.size(); ++i) image.names.emplace_back(words[i]);
    return image;
}

/// "registry.example.com:5000/shop:v7" without its tag.
std::string_view repository_of(std::string_view name) {
    auto const colon = name.rfind(':');
    bool const tag = colon != std::string_view::npos && name.find('/', colon) == name.npos;
    return tag ? name.substr(0, colon) : name;
}

bool fits(std::string const& pattern, std::string_view name) {
    if (pattern.ends_with('*')) {
        return name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1));
    }
    return name == pattern ||
           (pattern.find(':') == std::string::npos && repository_of(name) == pattern);
}

bool is_kept(Image const& image, std::vector<std::string> const& patterns) {
    return std::any_of(patterns.begin(), patterns.end(), [&](std::string const& pattern) {
        bool const by_id = image.id == pattern || image.id == "sha256:" + pattern;
        return by_id || std::any_of(image.names.begin(), image.names.end(), [&](auto const& name) {
                   return fits(pattern, name);
               });
    });
}

/// The newest of each name.
std::set<std::string> newest_of(std::vector<Image> const& images, std::size_t count) {
    auto sorted = images;
    std::stable_sort(sorted.begin(), sorted.end(), [](Image const& a, Image const& b) {
        return a.made_s > b.made_s;
    });
    std::map<std::string, std::set<std::string>> taken;
    std::set<std::string> ids;
    for (auto const& image : sorted) {
        for (auto const& name : image.names) {
            auto& of_name = taken[std::string(repository_of(name))];
            if (of_name.size() >= count && !of_name.contains(image.id)) continue;
            of_name.insert(image.id);
            ids.insert(image.id);
        }
    }
    return ids;
}

tl::unexpected<Error> unread(std::string_view line) {
    return fail(
        Errc::invalid, "what the container engine says cannot be read: " + printable(line, 120)
    );
}

}  // namespace

Result<ImageChoice> choose_images(std::string_view listing, ImageRule const& rule) {
    std::optional<std::int64_t> now;
    std::set<std::string, std::less<>> used;
    std::vector<Image> images;
    while (!listing.empty()) {
        auto const end = listing.find('\n');
        auto const line = listing.substr(0, end);
        // A last line that does not end may be half of one.
        if (end == std::string_view::npos) return unread(line);
        listing.remove_prefix(end + 1);
        auto const words = split(line);
        if (words.size() == 2 && words[0] == "now") {
            now = number_of<std::int64_t>(words[1]);
        } else if (words.size() == 2 && words[0] == "used") {
            used.emplace(words[1]);
        } else if (!words.empty() && words[0] == "image") {
            auto image = image_of(words);
            if (!image) return unread(line);
            images.push_back(std::move(*image));
        } else if (!words.empty()) {
            return unread(line);
        }
    }
    if (!now || *now < 0) return fail(Errc::invalid, "the container engine said nothing");
    auto const newest = newest_of(images, rule.newest);
    ImageChoice choice;
    for (auto const& image : images) {
        if (used.contains(image.id)) {
            ++choice.used;
        } else if (is_kept(image, rule.keep) || newest.contains(image.id) ||
                   (!rule.tagged && !image.names.empty())) {
            ++choice.kept;
        } else if (image.made_s > *now - rule.older_than_s) {
            ++choice.young;
        } else {
            choice.bytes += image.bytes;
            auto const& names = image.names;
            if (names.empty()) choice.gone.push_back(image.id);
            choice.gone.insert(choice.gone.end(), names.begin(), names.end());
        }
    }
    return choice;
}

}  // namespace rollbackd
