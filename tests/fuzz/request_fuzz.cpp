// A request's target, headers and body as anybody may send them: nothing crashes, what is decoded
// holds no NUL, and what is shown to people holds nothing that acts on a terminal.
#include "api/auth.hpp"
#include "api/body.hpp"
#include "api/contract.hpp"
#include "api/escape.hpp"
#include "api/idempotency.hpp"
#include "api/negotiate.hpp"
#include "api/page.hpp"
#include "core/ensure.hpp"
#include "core/names.hpp"
#include "tests/fuzz/entries.hpp"

using namespace rollbackd;
using namespace rollbackd::api;

namespace {

void check_target(std::string_view text) {
    Request request;
    if (!set_target(request, text)) return;
    for (auto const& segment : request.segments) {
        ensure(segment.find('\0') == std::string::npos, "a decoded segment holds no NUL");
    }
    request.method = "GET";
    auto route = find_route(request);
    request.endpoint = route.endpoint;
    request.params = std::move(route.params);
    if (request.endpoint == nullptr || contract().judge_parameters(request)) return;
    auto const limit = page_of(request).limit;
    ensure(limit >= 1 && limit <= 1000, "a page that is let through has a size");
}

/// Against the document of one endpoint; what is let through can be read.
void check_body(Endpoint const& endpoint, std::string_view text) {
    Request request;
    request.endpoint = &endpoint;
    request.body = text;
    auto refusal = contract().judge_body(request);
    if (refusal) {
        ensure(refusal->status == 400 || refusal->status == 422, "a body is malformed or wrong");
        request.path = text;
        finish_problem(*refusal, request);
        ensure(parse_json(refusal->body).has_value(), "a problem is JSON whatever it quotes");
        return;
    }
    Members members(request);
    if (endpoint.id == "addSilence") {
        ensure(!members.text("reason").value().empty(), "what is required is there");
        (void)members.time("until");
        (void)members.duration("for");
    } else if (endpoint.id == "runPlaybook") {
        (void)members.object("inputs");
        (void)members.boolean("dry_run");
    }
}

void check_bodies(std::string_view text) {
    for (auto const& endpoint : endpoints()) {
        if (endpoint.body != BodyKind::none) check_body(endpoint, text);
    }
}

void check_identity(std::string_view text) {
    Request request;
    request.headers.emplace("host", text);
    request.headers.emplace("authorization", text);
    request.headers.emplace("origin", text);
    Gatekeeper gatekeeper(0);
    auto const refusal = gatekeeper.judge(request, Access::admin, DaemonPolicy(), Now{});
    ensure(refusal.has_value(), "nobody becomes admin without a token");
    ensure(idempotency_key(text).size() <= text.size(), "a key is what was sent");
}

void check_form(std::string_view text) {
    (void)takes_gzip(text);
    bool const everything = text.find('*') != text.npos;
    ensure(everything || !names_tag(text, "no tag: \n"), "a tag is known by the whole of it");
    auto const id = request_id(text);
    ensure(!id.empty() && id.size() <= 128, "a call has a name of some length");
    ensure(request_id(id) == id, "a call's name is plausible");
}

void check_shown(std::string_view text) {
    for (auto const& shown : {printable_line(text, text.size()), markdown(text)}) {
        for (char const c : shown) {
            auto const byte = static_cast<unsigned char>(c);
            ensure(byte >= 0x20 && byte != 0x7f, "nothing shown acts on a terminal");
        }
    }
    ensure(markdown(text).find('<') == std::string::npos, "no HTML is left in Markdown");
}

}  // namespace

int rollbackd::fuzz::request(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    check_target(text);
    check_bodies(text);
    check_identity(text);
    check_form(text);
    check_shown(text);
    return 0;
}
