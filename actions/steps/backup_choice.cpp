#include "actions/steps/backup_choice.hpp"

#include "core/names.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

namespace rollbackd {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

template <class T>
std::optional<T> number_of(std::string_view text) {
    T value{};
    auto const end = text.data() + text.size();
    auto const [stop, code] = std::from_chars(text.data(), end, value);
    if (code != std::errc() || stop != end) return std::nullopt;
    return value;
}

/// Takes exactly `count` digits off the front.
std::optional<int> digits(std::string_view& text, std::size_t count) {
    if (text.size() < count) return std::nullopt;
    auto const head = text.substr(0, count);
    if (!std::all_of(head.begin(), head.end(), is_digit)) return std::nullopt;
    text.remove_prefix(count);
    return number_of<int>(head);
}

void skip_one_of(std::string_view& text, std::string_view signs) {
    if (!text.empty() && signs.find(text[0]) != std::string_view::npos) text.remove_prefix(1);
}

std::optional<std::int64_t> day_at(std::string_view& text) {
    auto const year = digits(text, 4);
    if (!year || *year < 1990) return std::nullopt;
    bool const dashes = text.starts_with('-');
    skip_one_of(text, "-");
    auto const month = digits(text, 2);
    if (!month || dashes != text.starts_with('-')) return std::nullopt;
    skip_one_of(text, "-");
    auto const day = digits(text, 2);
    if (!day) return std::nullopt;
    using namespace std::chrono;
    year_month_day const date{
        std::chrono::year(*year), std::chrono::month(unsigned(*month)),
        std::chrono::day(unsigned(*day))
    };
    if (!date.ok()) return std::nullopt;
    return std::int64_t(sys_days(date).time_since_epoch().count()) * 86400;
}

/// What a name says: a second, a minute or a day, told by its last second.
struct Stamp {
    std::int64_t at = 0;
    std::int64_t open = 0;  // seconds before it that may be meant too
};

/// A time that begins exactly here.
std::optional<Stamp> stamp_at(std::string_view text) {
    auto const day = day_at(text);
    if (!day) return std::nullopt;
    constexpr std::int64_t end_of_day = 86399;
    auto const rest = text;
    skip_one_of(text, "_-T.");
    auto const hour = digits(text, 2);
    skip_one_of(text, "-:");
    auto const minute = hour ? digits(text, 2) : std::nullopt;
    if (!minute) {
        // More digits than a day has: no time but a number.
        if (!rest.empty() && is_digit(rest[0])) return std::nullopt;
        return Stamp{*day + end_of_day, end_of_day};
    }
    auto after = text;
    skip_one_of(after, "-:");
    auto const second = digits(after, 2);
    auto const& left = second ? after : text;
    if (!left.empty() && is_digit(left[0])) return std::nullopt;
    if (*hour > 23 || *minute > 59 || second.value_or(0) > 60) return std::nullopt;
    auto const at = *day + *hour * 3600 + *minute * 60 + second.value_or(59);
    return Stamp{at, second ? 0 : 59};
}

std::optional<Stamp> stamp_in(std::string_view name) {
    // The last one: "shop_pre_20260101_20261122_2130" is of November.
    std::optional<Stamp> found;
    for (std::size_t at = 0; at < name.size(); ++at) {
        if (!is_digit(name[at]) || (at > 0 && is_digit(name[at - 1]))) continue;
        auto const stamp = stamp_at(name.substr(at));
        if (stamp) found = stamp;
    }
    return found;
}

std::string_view base_name(std::string_view path) {
    return path.substr(path.find_last_of('/') + 1);
}

/// A word of the name, between signs, says what the backup was made for.
bool may_hold_the_damage(std::string_view name) {
    static constexpr std::array<std::string_view, 4> words{
        "emergency", "broken", "forensic", "rollback"
    };
    std::string word;
    for (char const c : name) {
        bool const letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter) {
            word += char(c >= 'A' && c <= 'Z' ? c + 32 : c);
            continue;
        }
        if (std::find(words.begin(), words.end(), word) != words.end()) return true;
        word.clear();
    }
    return std::find(words.begin(), words.end(), word) != words.end();
}

bool is_named_so(
    std::string_view name, std::string const& begin, std::vector<std::string> const& endings
) {
    if (!name.starts_with(begin) || name.size() == begin.size()) return false;
    // "shop" is not "shopping".
    char const next = name[begin.size()];
    bool const apart = begin.empty() || next == '_' || next == '-' || next == '.';
    return apart && std::any_of(endings.begin(), endings.end(), [&](auto const& ending) {
               return name.ends_with(ending);
           });
}

/// "+0530" in seconds.
std::optional<std::int64_t> zone_of(std::string_view text) {
    if (text.size() != 5 || (text[0] != '+' && text[0] != '-')) return std::nullopt;
    auto digits_left = text.substr(1);
    auto const hours = digits(digits_left, 2);
    auto const minutes = digits(digits_left, 2);
    if (!hours || !minutes) return std::nullopt;
    auto const seconds = std::int64_t(*hours) * 3600 + *minutes * 60;
    return text[0] == '-' ? -seconds : seconds;
}

/// "…T21-30-15Z.dump" is in UTC wherever it lies.
bool is_utc(std::string_view name) {
    for (auto at = name.find('Z'); at != std::string_view::npos; at = name.find('Z', at + 1)) {
        bool const ends = at + 1 == name.size() || name[at + 1] == '.' || name[at + 1] == '_';
        if (at > 0 && is_digit(name[at - 1]) && ends) return true;
    }
    return false;
}

std::string_view take_line(std::string_view& text) {
    auto const end = text.find('\n');
    auto const line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    return line;
}

std::optional<std::string_view> after(std::string_view line, std::string_view word) {
    if (!line.starts_with(word)) return std::nullopt;
    return line.substr(word.size());
}

/// What list_backups_script says of the machine, ahead of its files.
struct ListingHead {
    std::int64_t zone = 0;
    std::int64_t before = 0;
};

Result<ListingHead> take_head(std::string_view& listing) {
    auto const zone_text = after(take_line(listing), "zone ");
    auto const before_text = after(take_line(listing), "before ");
    auto const zone = zone_text ? zone_of(*zone_text) : std::nullopt;
    auto const before = before_text ? number_of<std::int64_t>(*before_text) : std::nullopt;
    if (!zone || !before) return fail(Errc::invalid, "the folder's list cannot be read");
    return ListingHead{*zone, *before};
}

struct ListedFile {
    std::uint64_t bytes = 0;
    std::string_view path;
};

/// nullopt: not a file with something in it.
std::optional<ListedFile> file_of(std::string_view line) {
    auto const tab = line.find('\t');
    if (tab == std::string_view::npos) return std::nullopt;
    auto const bytes = number_of<std::uint64_t>(line.substr(0, tab));
    if (!bytes || *bytes == 0) return std::nullopt;
    return ListedFile{*bytes, line.substr(tab + 1)};
}

void newest_first(std::vector<StoredBackup>& backups) {
    std::sort(backups.begin(), backups.end(), [](StoredBackup const& a, StoredBackup const& b) {
        return a.at != b.at ? a.at > b.at : a.path > b.path;
    });
}

/// A file's name may hold a line break, and then the next line says what it likes.
bool is_inside(std::string_view path, std::string_view folder) {
    while (folder.size() > 1 && folder.ends_with('/')) folder.remove_suffix(1);
    if (!path.starts_with(folder) || path.size() <= folder.size()) return false;
    return path[folder.size()] == '/' && path.find("/../") == std::string_view::npos;
}

struct Counts {
    std::size_t named = 0;
    std::size_t kept_apart = 0;
    std::size_t undated = 0;
    std::size_t late = 0;
};

tl::unexpected<Error> none(BackupRule const& rule, Counts const& counts) {
    std::string why = "no backup named " + printable(rule.name, 80) + "… fits";
    auto const say = [&](std::size_t count, char const* what) {
        if (count > 0) why += "; " + std::to_string(count) + " " + what;
    };
    if (counts.named == 0) why += "; there is none";
    say(counts.late, "made too late");
    say(counts.kept_apart, "may hold the damage (emergency, broken, forensic, rollback)");
    say(counts.undated, "without a time in the name");
    return fail(Errc::not_found, std::move(why));
}

}  // namespace

std::optional<std::int64_t> stamp_of(std::string_view name) {
    auto const stamp = stamp_in(name);
    return stamp ? std::optional(stamp->at) : std::nullopt;
}

BackupTime time_of(StoredBackup const& backup) {
    return {
        WallTime(std::chrono::seconds(backup.since)), WallTime(std::chrono::seconds(backup.at))
    };
}

std::optional<BackupTime> time_of(std::string_view path, std::string_view zone) {
    auto const name = base_name(path);
    auto const stamp = stamp_in(name);
    auto const ahead = is_utc(name) ? std::optional<std::int64_t>(0) : zone_of(zone);
    if (!stamp || !ahead) return std::nullopt;
    auto const at = stamp->at - *ahead;
    return time_of(StoredBackup{{}, 0, at, at - stamp->open});
}

Result<std::vector<StoredBackup>> choose_backups(std::string_view listing, BackupRule const& rule) {
    auto const head = take_head(listing);
    if (!head) return tl::unexpected<Error>(head.error());
    std::vector<StoredBackup> fitting;
    Counts counts;
    while (!listing.empty()) {
        auto const file = file_of(take_line(listing));
        if (!file || !is_named_so(base_name(file->path), rule.name, rule.endings)) continue;
        auto const name = base_name(file->path);
        ++counts.named;
        auto const stamp = stamp_in(name);
        auto const ahead = is_utc(name) ? 0 : head->zone;
        if (may_hold_the_damage(name.substr(rule.name.size()))) {
            ++counts.kept_apart;
        } else if (!stamp) {
            ++counts.undated;
        } else if (stamp->at - ahead >= head->before) {
            ++counts.late;
        } else {
            auto const at = stamp->at - ahead;
            fitting.push_back({std::string(file->path), file->bytes, at, at - stamp->open});
        }
    }
    if (fitting.empty()) return none(rule, counts);
    newest_first(fitting);
    if (fitting.size() > rule.most) fitting.resize(rule.most);
    return fitting;
}

Result<Retention> sort_backups(std::string_view listing, RetentionRule const& rule) {
    auto const head = take_head(listing);
    if (!head) return tl::unexpected<Error>(head.error());
    Retention out;
    out.good.resize(rule.endings.size());
    out.before = head->before - rule.older_than_s;
    while (!listing.empty()) {
        auto const file = file_of(take_line(listing));
        if (!file || !is_inside(file->path, rule.folder)) continue;
        auto const name = base_name(file->path);
        auto const stamp = stamp_of(name);
        if (!stamp) continue;
        auto const at = *stamp - (is_utc(name) ? 0 : head->zone);
        if (at >= head->before) continue;
        StoredBackup backup{std::string(file->path), file->bytes, at, at};
        // Of ".tar.gz" and ".gz" the first that fits says what it is.
        for (std::size_t i = 0; i < rule.endings.size(); ++i) {
            if (!is_named_so(name, rule.name, {rule.endings[i]})) continue;
            if (!may_hold_the_damage(name.substr(rule.name.size()))) {
                out.good[i].push_back(std::move(backup));
            } else if (rule.emergency && at < out.before) {
                out.apart.push_back(std::move(backup));
            }
            break;
        }
    }
    for (auto& kind : out.good) newest_first(kind);
    newest_first(out.apart);
    return out;
}

std::vector<StoredBackup> old_backups(
    std::vector<StoredBackup> const& good, std::vector<std::string> const& readable,
    std::size_t newest, std::int64_t before
) {
    std::size_t found = 0;
    std::vector<StoredBackup> gone;
    for (auto const& backup : good) {
        bool const counts =
            std::find(readable.begin(), readable.end(), backup.path) != readable.end();
        if (counts) ++found;
        // Also what cannot be read stays while it is newer than the last of those that count.
        if (!counts && found >= newest && backup.at < before) gone.push_back(backup);
    }
    return found < newest || found != readable.size() ? std::vector<StoredBackup>{} : gone;
}

}  // namespace rollbackd
