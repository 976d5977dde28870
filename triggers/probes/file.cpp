// file: whether a file is as it should be (a state), or with `measure` how old or how big it is, or
// how much a folder holds (a gauge). A hash is compared and told by its first digits.
#include "core/io/clock.hpp"
#include "triggers/probes/host_file.hpp"
#include "triggers/probes/measures.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/types.hpp"

#include <algorithm>

namespace rollbackd {

namespace asio = boost::asio;

namespace {

Field expect_field() {
    Field expect;
    expect.name = "expect";
    expect.type = FieldType::object;
    expect.doc = "What a state asks of it, beside that it is there.";
    expect.fields = {
        {.name = "exists",
         .type = FieldType::boolean,
         .doc = "false: it must not be there.",
         .otherwise = true},
        {.name = "owner", .type = FieldType::text, .doc = "Name, or number, of its user."},
        {.name = "group", .type = FieldType::text, .doc = "Name, or number, of its group."},
        {.name = "mode", .type = FieldType::text, .doc = "Its permissions in octal: 0640."},
        {.name = "sha256", .type = FieldType::text, .doc = "Hash of its content, 64 digits."},
        {.name = "max_age", .type = FieldType::duration, .doc = "Since its last change."},
        {.name = "min_size", .type = FieldType::size, .doc = "It must be at least that big."},
        {.name = "max_size", .type = FieldType::size, .doc = "It must not be bigger."},
    };
    return expect;
}

TypeInfo file_info() {
    TypeInfo info;
    info.name = "file";
    info.doc = "A file or folder. A state; with measure a gauge.";
    info.is_probe = true;
    info.fields = {
        {.name = "path",
         .type = FieldType::path,
         .doc = "The file or folder; links are followed.",
         .required = true},
        {.name = "measure",
         .type = FieldType::choice,
         .doc = "age: seconds since its last change; size: bytes; of a folder entries (directly in "
                "it) and bytes (of all files below it), whose growth delta() tells.",
         .choices = {"age", "size", "entries", "bytes"}},
        expect_field(),
    };
    return info;
}

bool is_octal(std::string const& text) {
    auto const digit = [](char c) { return c >= '0' && c <= '7'; };
    return !text.empty() && text.size() <= 5 && std::all_of(text.begin(), text.end(), digit);
}

bool is_sha256(std::string const& text) {
    constexpr std::string_view digits = "0123456789abcdef";
    return text.size() == 64 && text.find_first_not_of(digits) == std::string::npos;
}

std::vector<Error> check_file(JsonObject const& params) {
    std::vector<Error> problems;
    auto const* const expect = params.if_contains("expect");
    if (expect == nullptr) return problems;
    if (is_measured(params)) {
        problems.push_back(
            {Errc::invalid, "expect is of a state; a gauge (measure) is judged by its trigger",
             "expect"}
        );
    }
    auto const mode = text_of(*expect, "mode");
    if (!mode.empty() && !is_octal(mode)) {
        problems.push_back(
            {Errc::invalid, "\"" + mode + "\" is no mode; write one like 0640", "expect.mode"}
        );
    }
    auto const hash = text_of(*expect, "sha256");
    if (!hash.empty() && !is_sha256(hash)) {
        problems.push_back(
            {Errc::invalid, "expected the 64 digits (0-9a-f) of a SHA-256", "expect.sha256"}
        );
    }
    return problems;
}

class FileProbe final : public Probe {
public:
    FileProbe(JsonObject const& params, ProbeContext const& context)
        : clock_(context.clock), place_(context) {
        Json const all(params);
        measure_ = text_of(all, "measure");
        if (auto const* const expect = find(all, "expect")) expect_ = *expect;
        question_.path = text_of(all, "path");
        question_.hash = !text("sha256").empty();
        if (measure_ == "entries") question_.depth = FolderDepth::entries;
        if (measure_ == "bytes") question_.depth = FolderDepth::whole;
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto job = [question = question_]() -> Result<HostFile> {
            return facts_of_host_file(question);
        };
        auto const facts = co_await place_.look(std::move(job), timeout);
        if (!facts) co_return unknown_answer(trouble_of(facts.error()));
        co_return measure_.empty() ? judged(*facts) : measured(*facts);
    }

private:
    std::string text(std::string_view key) const { return text_of(expect_, key); }

    std::optional<std::int64_t> number(std::string_view key) const {
        auto const* const found = find(expect_, key);
        if (found == nullptr || !found->is_int64()) return std::nullopt;
        return found->get_int64();
    }

    Duration age_of(HostFile const& facts) const {
        // From the future: a clock was set, or a file unpacked. It is not older than now.
        return std::max<Duration>(clock_.now().wall - facts.modified, Duration::zero());
    }

    ProbeAnswer judged(HostFile const& facts) const {
        auto const* const wanted = find(expect_, "exists");
        bool const exists = wanted == nullptr || !wanted->is_bool() || wanted->get_bool();
        if (!facts.exists && !exists) return good_answer("not there, as it should be");
        if (!facts.exists) return failed_answer("missing: " + question_.path + " is not there");
        if (!exists) return failed_answer("present: " + question_.path + " is there");
        auto const problem = problem_of(facts);
        return problem.empty() ? good_answer() : failed_answer(problem);
    }

    std::string problem_of(HostFile const& facts) const {
        auto const differs = [](std::string slug, std::string const& is, std::string const& should
                             ) { return slug + ": " + is + ", expected " + should; };
        if (auto const owner = text("owner"); !owner.empty() && owner != facts.owner) {
            return differs("owner", facts.owner, owner);
        }
        if (auto const group = text("group"); !group.empty() && group != facts.group) {
            return differs("group", facts.group, group);
        }
        if (auto const mode = text("mode"); !mode.empty() && octal(mode) != facts.mode) {
            return differs("mode", shown_mode(facts.mode), shown_mode(octal(mode)));
        }
        if (auto const hash = text("sha256"); hash != facts.sha256) {
            return differs("hash", facts.sha256.substr(0, 12), hash.substr(0, 12));
        }
        auto const size = std::int64_t(facts.size);
        if (auto const least = number("min_size"); least && size < *least) {
            return "small: " + shown_bytes(facts.size) + ", expected at least " +
                   shown_bytes(std::uint64_t(*least));
        }
        if (auto const most = number("max_size"); most && size > *most) {
            return "large: " + shown_bytes(facts.size) + ", expected at most " +
                   shown_bytes(std::uint64_t(*most));
        }
        auto const oldest = number("max_age");
        if (!oldest || age_of(facts) <= Duration(*oldest)) return {};
        return "old: changed " + format_human(age_of(facts)) + " ago, expected at most " +
               format_human(Duration(*oldest));
    }

    ProbeAnswer measured(HostFile const& facts) const {
        if (!facts.exists) return unknown_answer("missing: " + question_.path + " is not there");
        if (measure_ == "age") {
            auto const age = age_of(facts);
            return number_answer(std::chrono::duration<double>(age).count(), format_human(age));
        }
        if (measure_ == "size") {
            return number_answer(double(facts.size), shown_bytes(facts.size));
        }
        if (!facts.is_folder) {
            return unknown_answer("no_folder: " + question_.path + " is a file; measure its size");
        }
        if (measure_ == "entries") return number_answer(double(facts.entries));
        return number_answer(double(facts.bytes), shown_bytes(facts.bytes));
    }

    static unsigned octal(std::string const& text) {
        return unsigned(std::stoul(text, nullptr, 8)) & 07777U;
    }

    static std::string shown_mode(unsigned mode) {
        std::string out;
        for (int shift = 9; shift >= 0; shift -= 3)
            out += char('0' + ((mode >> unsigned(shift)) & 7U));
        return out;
    }

    HostFileQuestion question_;
    std::string measure_;
    Json expect_;
    Clock const& clock_;
    Place place_;
};

std::unique_ptr<Probe> make_file(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<FileProbe>(signal.params, context);
}

}  // namespace

ProbeType file_probe() { return ProbeType{file_info(), &check_file, &make_file}; }

}  // namespace rollbackd
