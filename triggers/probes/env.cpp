// env: whether an environment file has the keys it must have, with values of the right form or
// equal to another's. A state; no value is ever shown, only the key's name.
#include "triggers/probes/env_file.hpp"
#include "triggers/probes/place.hpp"
#include "triggers/probes/types.hpp"

namespace rollbackd {

namespace asio = boost::asio;

namespace {

TypeInfo env_info() {
    TypeInfo info;
    info.name = "env";
    info.doc = "Keys of an environment file; values are compared and never shown.";
    info.kind = "state";
    info.is_probe = true;
    info.fields = {
        {.name = "path", .type = FieldType::path, .doc = "The file.", .required = true},
        {.name = "keys", .type = FieldType::text_list, .doc = "Must be there and not be empty."},
        {.name = "match",
         .type = FieldType::text_map,
         .doc = "By key an RE2 expression that must be found in its value: ^sk_live_ tells a live "
                "key from one for tests."},
        {.name = "sha256",
         .type = FieldType::text_map,
         .doc = "By key the SHA-256 of the value it must have, 64 digits."},
        {.name = "same",
         .type = FieldType::text_map,
         .doc = "By key another environment file (/srv/shop/.env, or /srv/shop/.env:OTHER_KEY) "
                "whose value it must have."},
    };
    return info;
}

struct Other {
    std::string path;
    std::string key;
};

Other other_of(std::string const& text, std::string const& key) {
    auto const colon = text.rfind(':');
    if (colon == std::string::npos || text.find('/', colon) != std::string::npos) {
        return {text, key};
    }
    return {text.substr(0, colon), text.substr(colon + 1)};
}

std::map<std::string, std::string> texts_at(JsonObject const& params, std::string_view key) {
    std::map<std::string, std::string> out;
    auto const* const map = params.if_contains(key);
    if (map == nullptr || !map->is_object()) return out;
    for (auto const& [name, value] : map->get_object()) {
        if (value.is_string()) out[std::string(name)] = std::string(value.get_string());
    }
    return out;
}

Result<EnvQuestion> question_of(JsonObject const& params) {
    EnvQuestion question;
    if (auto const* const keys = params.if_contains("keys"); keys && keys->is_array()) {
        for (auto const& key : keys->get_array()) {
            if (key.is_string()) question.keys.emplace_back(std::string_view(key.get_string()));
        }
    }
    for (auto const& [key, text] : texts_at(params, "match")) {
        auto made = make_expression(text, "match");
        if (!made) return tl::unexpected<Error>(made.error());
        question.match[key] = std::move(*made);
    }
    question.sha256 = texts_at(params, "sha256");
    for (auto const& [key, hash] : question.sha256) {
        constexpr std::string_view digits = "0123456789abcdef";
        if (hash.size() == 64 && hash.find_first_not_of(digits) == std::string::npos) continue;
        return fail(
            Errc::invalid, key + ": expected the 64 digits (0-9a-f) of a SHA-256", "sha256"
        );
    }
    return question;
}

std::vector<Error> check_env(JsonObject const& params) {
    auto const question = question_of(params);
    if (!question) return {question.error()};
    auto const same = texts_at(params, "same");
    for (auto const& [key, text] : same) {
        bool const open = text.starts_with("{{") || text.starts_with("${");
        if (open || text.starts_with('/')) continue;
        return {Error{Errc::invalid, key + ": expected an absolute path, or PATH:KEY", "same"}};
    }
    bool const asks = !question->keys.empty() || !question->match.empty() ||
                      !question->sha256.empty() || !same.empty();
    if (asks) return {};
    return {Error{
        Errc::invalid, "nothing is asked of the file: name keys, match, sha256 or same", "path"
    }};
}

class EnvProbe final : public Probe {
public:
    EnvProbe(JsonObject const& params, ProbeContext const& context)
        : path_(text_of(Json(params), "path")),
          question_(question_of(params).value_or(EnvQuestion())),
          place_(context) {
        for (auto const& [key, text] : texts_at(params, "same")) same_[key] = other_of(text, key);
    }

    asio::awaitable<ProbeAnswer> ask(Duration timeout) override {
        auto const text = co_await place_.read(path_, timeout);
        if (!text && text.error().code == Errc::not_found) {
            co_return failed_answer("missing: " + path_ + " is not there");
        }
        if (!text) co_return unknown_answer(trouble_of(text.error()));
        auto const values = parse_env(*text);
        auto const problem = env_problem(values, question_);
        if (!problem.empty()) co_return failed_answer(problem);
        for (auto const& [key, other] : same_) {
            auto const found = values.find(key);
            if (found == values.end()) co_return failed_answer("absent: " + key);
            auto const theirs = co_await place_.read(other.path, timeout);
            // The other file is what we compare with: its absence says nothing about this one.
            if (!theirs) co_return unknown_answer(trouble_of(theirs.error()));
            auto const others = parse_env(*theirs);
            auto const value = others.find(other.key);
            if (value == others.end()) {
                co_return unknown_answer("missing: " + other.path + " has no " + other.key);
            }
            if (value->second != found->second) co_return failed_answer("differs: " + key);
        }
        co_return good_answer();
    }

private:
    std::string path_;
    EnvQuestion question_;
    std::map<std::string, Other> same_;
    Place place_;
};

std::unique_ptr<Probe> make_env(SignalPolicy const& signal, ProbeContext const& context) {
    return std::make_unique<EnvProbe>(signal.params, context);
}

}  // namespace

ProbeType env_probe() { return ProbeType{env_info(), &check_env, &make_env}; }

}  // namespace rollbackd
