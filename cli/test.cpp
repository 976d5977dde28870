// test: the tests of a policy, each on a clock of its own, by the real engine.
#include "cli/files.hpp"
#include "cli/handlers.hpp"
#include "cli/rehearsal/play.hpp"
#include "cli/text.hpp"
#include "config/catalogue.hpp"
#include "config/load.hpp"

#include <filesystem>
#include <ostream>

namespace rollbackd::cli {

namespace {

namespace fs = std::filesystem;

/// The policy beside the tests; its errors among theirs.
PolicyReader reader_beside(std::string const& path) {
    return [folder = fs::path(path).parent_path(
            )](std::string const& file, std::vector<Problem>& problems) {
        auto result = load_policy((folder / file).string(), known_types());
        for (auto& problem : result.problems) {
            if (!problem.warning) problems.push_back(std::move(problem));
        }
        return result.policy;
    };
}

JsonObject failure_json(Failure const& failure) {
    return {
        {"line", failure.line}, {"at", format_duration(failure.at)},
        {"what", failure.what}, {"expected", failure.expected},
        {"came", failure.came},
    };
}

/// What is expected and what came, below each other; lists on lines of their own.
void print_words(Terminal const& terminal, std::string const& label, std::string const& words) {
    std::string const lead = "      " + label;
    if (!words.starts_with('\n')) {
        terminal.out << lead << ' ' << clean(words) << '\n';
        return;
    }
    terminal.out << lead << '\n';
    for (std::size_t from = 1; from < words.size();) {
        auto const end = std::min(words.find('\n', from), words.size());
        terminal.out << "        " << clean(words.substr(from, end - from)) << '\n';
        from = end + 1;
    }
}

class Report {
public:
    Report(Context const& context, Arguments const& given)
        : context_(context), verbose_(given.on("--verbose")) {}

    void begin(std::string const& path, std::size_t count) {
        file_ = path;
        if (!context_.json) {
            context_.terminal.out << clean(path) << ": " << counted(count, "test") << '\n';
        }
    }

    void add(PolicyTest const& test, Played const& played) {
        ++tests;
        if (!played.failures.empty()) ++failed;
        if (context_.json) {
            JsonArray failures;
            for (auto const& failure : played.failures) failures.push_back(failure_json(failure));
            JsonArray story;
            for (auto const& line : played.story) story.emplace_back(line);
            json_.push_back(JsonObject{
                {"file", file_},
                {"line", test.line},
                {"name", test.name},
                {"ok", played.failures.empty()},
                {"failures", std::move(failures)},
                {"story", std::move(story)},
            });
            return;
        }
        auto const& terminal = context_.terminal;
        bool const ok = played.failures.empty();
        terminal.out << "  "
                     << terminal.paint(ok ? "ok    " : "FAILED", ok ? Colour::green : Colour::red)
                     << "  " << clean(test.name) << '\n';
        for (auto const& failure : played.failures) {
            terminal.out << "    " << clean(file_) << ':' << failure.line << ": at "
                         << format_duration(failure.at) << ", " << clean(failure.what) << '\n';
            print_words(terminal, "expected:", failure.expected);
            print_words(terminal, "came:    ", failure.came);
        }
        if (ok && !verbose_) return;
        if (!ok) terminal.out << "    what happened:\n";
        for (auto const& line : played.story) terminal.out << "      " << clean(line) << '\n';
    }

    void problems(std::vector<Problem> const& found) {
        for (auto const& problem : found) {
            if (context_.json) {
                problems_.push_back(JsonObject{
                    {"severity", problem.warning ? "warning" : "error"},
                    {"file", problem.file},
                    {"line", problem.line},
                    {"column", problem.column},
                    {"text", problem.what},
                });
            } else {
                context_.terminal.out << clean(to_string(problem)) << '\n';
            }
        }
    }

    void end() {
        if (!context_.json) return;
        context_.terminal.out << to_text(JsonObject{
                                     {"ok", failed == 0 && problems_.empty()},
                                     {"tests", std::move(json_)},
                                     {"problems", std::move(problems_)},
                                 })
                              << '\n';
    }

    std::size_t tests = 0;
    std::size_t failed = 0;

private:
    Context const& context_;
    bool verbose_;
    std::string file_;
    JsonArray json_;
    JsonArray problems_;
};

/// False: the file cannot be used.
Outcome<bool> run_file(std::string const& path, std::string const& only, Report& report) {
    auto const text = read_whole(path, test_file_bytes_max);
    if (!text) return tl::unexpected(text.error());
    auto const read = read_policy_tests(*text, path, reader_beside(path));
    report.problems(read.problems);
    if (!read.ok()) return false;
    std::vector<PolicyTest const*> chosen;
    for (auto const& test : read.tests) {
        if (test.name.find(only) != std::string::npos) chosen.push_back(&test);
    }
    report.begin(path, chosen.size());
    for (auto const* const test : chosen) report.add(*test, play(*test, read.policy));
    return true;
}

}  // namespace

Outcome<Exit> test_policy(Context& context, Arguments const& given) {
    Report report(context, given);
    std::string unusable;
    for (auto const& path : given.all("FILE")) {
        auto const ran = run_file(path, given.text("--run"), report);
        if (!ran) return tl::unexpected(ran.error());
        if (!*ran) unusable += (unusable.empty() ? "" : ", ") + clean(path);
    }
    report.end();
    if (!unusable.empty()) return refuse(unusable + ": mend the mistakes above first");
    if (report.tests == 0) return refuse("no test has run; does --run fit a name?");
    if (report.failed == 0) return Exit::done;
    return refuse(
        std::to_string(report.failed) + " of " + counted(report.tests, "test") + " failed"
    );
}

}  // namespace rollbackd::cli
