// Requests by an administrator to a daemon with an incident under way, one after the other: every
// route, every body. Each is answered, none with 500, and what refuses is a problem in JSON.
// Blocks divided by an empty line: "METHOD TARGET", then the body.
#include "core/ensure.hpp"
#include "tests/api/support/fake_host.hpp"
#include "tests/fuzz/entries.hpp"

using namespace rollbackd;
using namespace rollbackd::api;
using namespace rollbackd::api::testing;

namespace {

constexpr std::size_t requests_max = 16;

std::string_view take_until(std::string_view& text, std::string_view end) {
    auto const part = text.substr(0, text.find(end));
    text.remove_prefix(std::min(text.size(), part.size() + end.size()));
    return part;
}

void ask(Desk& desk, std::string_view block) {
    auto const line = take_until(block, "\n");
    auto const space = line.find(' ');
    if (space == line.npos) return;
    auto const target = std::string(line.substr(space + 1));
    Request request;
    if (!set_target(request, target)) return;  // the listener has refused it
    auto const answer = desk.ask(std::string(line.substr(0, space)), target, std::string(block));
    ensure(answer.status >= 200 && answer.status < 600, "a request has an answer");
    ensure(answer.status != 500, "no request is a surprise");
    if (answer.status < 400) return;
    ensure(parse_json(answer.body).has_value(), "a problem is JSON whatever it quotes");
}

}  // namespace

int rollbackd::fuzz::routes(std::uint8_t const* data, std::size_t size) {
    Desk desk;
    desk.host.world.release_v2();
    desk.host.world.fail_health(3);
    desk.host.world.answer();
    std::string_view text(reinterpret_cast<char const*>(data), size);
    for (std::size_t i = 0; i < requests_max && !text.empty(); ++i) {
        ask(desk, take_until(text, "\n\n"));
    }
    ensure(desk.host.surprises == 0, "no handler throws");
    return 0;
}
