#include "api/contract.hpp"

#include "api/openapi.hpp"
#include "api/page.hpp"
#include "api/problem.hpp"
#include "api/routes.hpp"
#include "core/ensure.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd::api {

namespace {

bool is_blank(std::string_view text) {
    return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

Response refuse_body(std::vector<Mistake> mistakes) {
    auto const& first = mistakes.front();
    auto const place = first.pointer.empty() ? "the body" : first.pointer.substr(1);
    auto detail = place + ": " + first.detail;
    return refuse(422, std::move(detail), std::move(mistakes));
}

std::string lower(std::string text) {
    for (auto& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

}  // namespace

Result<Contract> Contract::of(Json const& document) {
    Contract out;
    auto schemas = Schemas::of(document.at("components").at("schemas").as_object());
    if (!schemas) return tl::unexpected<Error>(std::move(schemas.error()));
    out.schemas_ = *std::move(schemas);
    for (auto const& [path, methods] : document.at("paths").as_object()) {
        for (auto const& [method, operation] : methods.as_object()) {
            auto read =
                out.read(operation, "#/paths" + pointer_to(path) + "/" + std::string(method));
            if (!read) return tl::unexpected<Error>(std::move(read.error()));
            out.operations_.emplace(text_of(operation, "operationId"), *std::move(read));
        }
    }
    return out;
}

Result<Contract::Operation> Contract::read(Json const& operation, std::string const& where) {
    Operation out;
    if (auto const* const parameters = find(operation, "parameters")) {
        for (auto const& one : parameters->as_array()) {
            auto const id = schemas_.add(one.at("schema"), where + "/parameters");
            if (!id) return tl::unexpected<Error>(id.error());
            out.parameters.push_back(Parameter{text_of(one, "name"), text_of(one, "in"), *id});
        }
    }
    auto const* const body = find(operation, "requestBody");
    if (body == nullptr) return out;
    auto const* const required = find(*body, "required");
    out.body_required = required != nullptr && required->as_bool();
    auto const& content = body->at("content").as_object();
    auto const id =
        schemas_.add(content.at("application/json").at("schema"), where + "/requestBody");
    if (!id) return tl::unexpected<Error>(id.error());
    out.body = *id;
    auto const* const lines = content.if_contains(lines_type);
    if (lines == nullptr) return out;
    auto const line = schemas_.add(lines->at("x-line-schema"), where + "/requestBody");
    if (!line) return tl::unexpected<Error>(line.error());
    out.line = *line;
    return out;
}

Contract::Operation const& Contract::of(Request const& request) const {
    auto const found = operations_.find(request.endpoint->id);
    ensure(found != operations_.end(), "the document has every endpoint");
    return found->second;
}

std::string Contract::wrong(Parameter const& parameter, std::string const& text) const {
    Json value(boost::json::string{text});
    if (schemas_.is_integer(parameter.schema)) {
        if (auto const number = parse_number(text)) value = *number;
    }
    auto const mistakes = schemas_.mistakes(parameter.schema, value);
    return mistakes.empty() ? std::string() : parameter.name + ": " + mistakes.front().detail;
}

std::optional<Response> Contract::judge_parameters(Request const& request) const {
    auto const& operation = of(request);
    for (auto const& parameter : operation.parameters) {
        if (parameter.in == "path") {
            auto problem = wrong(parameter, request.param(parameter.name));
            if (!problem.empty()) return refuse(404, std::move(problem));
        }
        auto const name = lower(parameter.name);
        if (parameter.in == "header" && request.has_header(name)) {
            auto problem = wrong(parameter, request.header(name));
            if (!problem.empty()) return refuse(400, std::move(problem));
        }
    }
    return judge_query(operation, request);
}

/// Query parameters nobody reads are a mistake: a mistyped filter would show everything.
std::optional<Response> Contract::judge_query(Operation const& operation, Request const& request)
    const {
    std::string last;
    for (auto const& [name, value] : request.query) {
        auto const& all = operation.parameters;
        auto const parameter = std::find_if(all.begin(), all.end(), [&](Parameter const& one) {
            return one.in == "query" && one.name == name;
        });
        if (parameter == all.end()) {
            std::vector<std::string> known;
            for (auto const& one : all) {
                if (one.in == "query") known.push_back(one.name);
            }
            auto const meant = nearest_name(name, known);
            auto const hint = meant.empty() ? "" : "; did you mean " + meant + "?";
            return refuse(422, "unknown query parameter " + name + hint);
        }
        if (name == last) return refuse(422, name + ": given more than once; only one would count");
        last = name;
        if (auto problem = wrong(*parameter, value); !problem.empty()) {
            return refuse(422, std::move(problem));
        }
    }
    return std::nullopt;
}

std::optional<Response> Contract::judge_body(Request& request) const {
    auto const& operation = of(request);
    if (!operation.body) return std::nullopt;
    bool const blank = is_blank(request.body);
    if (blank && operation.body_required) return refuse(400, "the body is empty");
    if (operation.line && request.media_type() == lines_type) return std::nullopt;
    request.json = JsonObject();
    if (!blank) {
        auto parsed = parse_json(request.body);
        if (!parsed) return refuse(400, "the body is " + parsed.error().what);
        request.json = *std::move(parsed);
    }
    auto mistakes = schemas_.mistakes(*operation.body, request.json);
    if (mistakes.empty()) return std::nullopt;
    return refuse_body(std::move(mistakes));
}

Result<void> Contract::judge_line(Request const& request, Json const& line) const {
    auto const mistakes = schemas_.mistakes(of(request).line.value(), line);
    if (mistakes.empty()) return {};
    auto const& first = mistakes.front();
    return fail(Errc::invalid, first.detail, first.pointer.empty() ? "" : first.pointer.substr(1));
}

Contract const& contract() {
    static Contract const instance = [] {
        auto made = Contract::of(openapi_document());
        auto const problem = made ? std::string() : to_string(made.error());
        ensure(problem.empty(), problem.c_str());
        return *std::move(made);
    }();
    return instance;
}

}  // namespace rollbackd::api
