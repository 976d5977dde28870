#include "triggers/sources/log_match.hpp"

#include "core/names.hpp"

#include <re2/re2.h>

#include <array>

namespace rollbackd {

namespace {

constexpr int expression_memory_max = 1 << 20;
constexpr std::string_view blanks = " \t\r\n";

struct Named {
    char const* name;
    char const* expression;
    char const* doc;
};

// What the runbooks look for, in the words of the programs that say it.
constexpr std::array<Named, 8> named{
    Named{
        "error",
        R"re(\b(ERROR|FATAL|CRITICAL|PANIC)\b|"(level|severity)":\s*"(?i:error|fatal|critical)")re"
        R"re(|\blevel=(error|fatal|critical)\b|Traceback \(most recent call last\))re"
        R"re(|(?i:uncaught exception|unhandled (promise )?rejection))re"
        // What Node prints of an error, in words that Python, whose traceback was counted, has not.
        R"re(|\b(Reference|Range|URI|Aggregate|Prisma\w*)Error: |\bPrismaClient\w*Error\b)re"
        R"re(|\bTypeError: (Cannot (read|set|destructure|convert|access|assign|redefine|delete)\b)re"
        R"re(|.* is not (a function|a constructor|iterable)|Assignment to constant|fetch failed))re",
        "a line of level ERROR or above, an exception nobody caught, an error Node printed"
    },
    Named{
        "missing_relation",
        R"re(relation "[^"]+" does not exist|Table '[^']+' doesn't exist|no such table)re"
        R"re(|(?i:the table .* does not exist in the current database)|\bP2021\b)re",
        "a table the database does not have"
    },
    Named{
        "missing_column",
        R"re(column \S+( of relation \S+)? does not exist|Unknown column|no such column)re"
        R"re(|(?i:the column .* does not exist in the current database)|\bP2022\b)re",
        "a column the database does not have"
    },
    Named{
        "failed_migration",
        R"re((?i:migration\S* .*\bfailed\b|failed migration)|\bP30(09|18)\b)re"
        R"re(|Can't locate revision|Multiple head revisions)re",
        "a migration that did not go through"
    },
    Named{
        "no_space",
        R"re((?i:no space left on device|disk (is )?full|disk quota exceeded)|\bENOSPC\b)re"
        R"re(|could not extend file)re",
        "a full disk"
    },
    Named{
        "out_of_memory",
        R"re((?i:out of memory|cannot allocate memory|oom-kill)|\bENOMEM\b|\bOOMKilled\b)re",
        "memory that ran out"
    },
    Named{
        "crash_on_start",
        R"re(Cannot find module|ERR_MODULE_NOT_FOUND|ModuleNotFoundError|ImportError|SyntaxError:)re"
        R"re(|\bEADDRINUSE\b|(?i:address already in use|port is already allocated))re"
        R"re(|(?i:segmentation fault|core dumped)|(?i:missing (required )?environment variable))re",
        "a program that cannot start: a part is missing, its port is taken, a key is not set"
    },
    Named{
        "database_refused",
        R"re(\bECONNREFUSED\b|(?i:connection refused|could not connect to server))re"
        R"re(|(?i:too many (clients|connections))|password authentication failed|\bP1001\b)re",
        "a database that cannot be reached or lets nobody in"
    },
};

Named const* find_named(std::string_view name) {
    for (auto const& pattern : named) {
        if (pattern.name == name) return &pattern;
    }
    return nullptr;
}

Result<std::shared_ptr<re2::RE2 const>> compile(std::string const& text, std::string where) {
    RE2::Options options(RE2::Quiet);
    options.set_max_mem(expression_memory_max);
    auto made = std::make_shared<re2::RE2 const>(text, options);
    if (!made->ok()) {
        return fail(Errc::invalid, "not an RE2 expression: " + made->error(), std::move(where));
    }
    return std::shared_ptr<re2::RE2 const>(std::move(made));
}

std::vector<std::string> texts_of(JsonObject const& params, std::string_view key) {
    std::vector<std::string> out;
    auto const* const list = params.if_contains(key);
    if (list == nullptr || !list->is_array()) return out;
    for (auto const& item : list->get_array()) {
        if (item.is_string()) out.emplace_back(std::string_view(item.get_string()));
    }
    return out;
}

std::string unknown_pattern(std::string const& name) {
    auto const names = log_pattern_names();
    auto text = "there is no pattern called " + printable(name, 64);
    auto const nearest = nearest_name(name, names);
    if (!nearest.empty()) return text + ", did you mean " + nearest + "?";
    for (auto const& known : names) text += (&known == &names.front() ? "; one of " : ", ") + known;
    return text;
}

bool found(re2::RE2 const& expression, std::string const& text) {
    return RE2::PartialMatch(text, expression);
}

}  // namespace

std::vector<std::string> log_pattern_names() {
    std::vector<std::string> names;
    for (auto const& pattern : named) names.emplace_back(pattern.name);
    return names;
}

std::string log_patterns_doc() {
    std::string out;
    for (auto const& pattern : named) {
        out += (out.empty() ? "" : "; ") + std::string(pattern.name) + ": " + pattern.doc;
    }
    return out;
}

std::optional<WallTime> time_at_head(std::string_view line) {
    constexpr std::size_t length_max = 40;
    if (line.starts_with('[')) line.remove_prefix(1);
    if (line.empty() || line.front() < '0' || line.front() > '9') return std::nullopt;
    auto const word = line.substr(0, line.find_first_of(" ]\t|,"));
    if (word.size() > length_max) return std::nullopt;
    auto const time = parse_rfc3339(word);
    return time ? std::optional(*time) : std::nullopt;
}

Result<LogMatcher> LogMatcher::make(std::string service, SignalPolicy const& signal) {
    LogMatcher matcher;
    matcher.service_ = std::move(service);
    matcher.signal_ = signal.name;
    matcher.by_pattern_ = signal.by == "pattern";
    if (!signal.by.empty() && !matcher.by_pattern_) {
        return fail(
            Errc::invalid, "a log's failures are told apart by their pattern alone: by: pattern",
            "by"
        );
    }
    auto const own = texts_of(signal.params, "fail");
    auto names = texts_of(signal.params, "patterns");
    if (names.empty() && own.empty()) names.emplace_back("error");
    for (auto const& name : names) {
        auto const* const known = find_named(name);
        if (known == nullptr) return fail(Errc::invalid, unknown_pattern(name), "patterns");
        auto made = compile(known->expression, "patterns");
        if (!made) return tl::unexpected<Error>(made.error());
        matcher.fail_.push_back({known->name, std::move(*made)});
    }
    for (auto const* const key : {"fail", "ignore"}) {
        for (auto const& text : texts_of(signal.params, key)) {
            auto made = compile(text, key);
            if (!made) return tl::unexpected<Error>(made.error());
            auto& list = std::string_view(key) == "fail" ? matcher.fail_ : matcher.ignore_;
            list.push_back({"match", std::move(*made)});
        }
    }
    return matcher;
}

std::optional<Sample> LogMatcher::read(RawLine const& line, Now now) const {
    auto const from = line.text.find_first_not_of(blanks);
    if (from == std::string::npos) return std::nullopt;
    for (auto const& pattern : ignore_) {
        if (found(*pattern.expression, line.text)) return std::nullopt;
    }
    Sample sample;
    sample.service = service_;
    sample.signal = signal_;
    auto const time = line.time ? line.time : time_at_head(line.text);
    sample.at = time ? to_instant(*time, now) : now.boot;
    OutcomesValue counts;
    for (auto const& pattern : fail_) {
        if (!found(*pattern.expression, line.text)) continue;
        counts.failure = 1;
        auto const shown = std::string_view(line.text).substr(from);
        counts.reason = pattern.name + ": " + printable_line(shown, log_line_shown_max);
        if (by_pattern_) sample.by = pattern.name;
        break;
    }
    counts.success = counts.failure == 0 ? 1 : 0;
    sample.ends_all = by_pattern_ && counts.success > 0;  // none of the patterns was in it
    sample.value = std::move(counts);
    return sample;
}

}  // namespace rollbackd
