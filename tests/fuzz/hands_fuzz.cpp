// What machines say to steps: lists of backups and images, a firewall's rules, what others
// see of a port, pull requests. The first byte chooses the parser. Any bytes are read or refused,
// and what may be deleted was in the list.
#include "actions/steps/backup_choice.hpp"
#include "actions/steps/firewall_text.hpp"
#include "actions/steps/image_choice.hpp"
#include "actions/steps/iptables_rules.hpp"
#include "actions/steps/pull_request_text.hpp"
#include "core/ensure.hpp"
#include "tests/fuzz/entries.hpp"

using namespace rollbackd;

namespace {

void backups(std::string_view text) {
    BackupRule const rule{"shop", {".dump", ".gz"}, 3};
    auto const chosen = choose_backups(text, rule);
    if (chosen) ensure(!chosen->empty() && chosen->size() <= 3, "some are chosen, and not all");
    auto const sorted = sort_backups(text, {"/b", "shop", {".dump", ".gz"}, 86400, true});
    if (!sorted) return;
    for (auto const& good : sorted->good) {
        if (good.empty()) continue;
        auto const gone = old_backups(good, {good.front().path}, 1, sorted->before);
        ensure(gone.size() < good.size(), "a good one stays");
        for (auto const& backup : gone) {
            ensure(backup.path.starts_with("/b/"), "nothing goes outside the folder");
            ensure(backup.at < sorted->before, "a young one stays");
        }
    }
}

void images(std::string_view text) {
    auto const choice = choose_images(text, {true, 86400, 1, {"shop:*"}});
    if (!choice) return;
    for (auto const& name : choice->gone) {
        ensure(!name.starts_with("shop:"), "what is named to be kept stays");
        ensure(text.find(name) != std::string_view::npos, "what goes was in the list");
    }
}

void rules(std::string_view text) {
    for (auto const* const protocol : {"tcp", "udp"}) {
        auto const verdict = judge_port(text, 80, protocol, {"192.0.2.7"});
        for (auto rule : verdict.before) {
            std::erase_if(rule, [](char c) {
                return c == '"' || c == '\\';
            });  // AC"CEPT" is one too
            ensure(rule.find("ACCEPT") != std::string::npos, "only an accept lets through");
        }
    }
}

void gates(std::string_view text) {
    auto const network = network_of(text);
    if (network) ensure(network_of(*network) == network, "a network stays what it is");
    auto const port = port_of(text);
    if (port) ensure(std::to_string(*port).size() <= text.size(), "a port is its digits");
    (void)look_from_outside(text, true);
    (void)look_from_outside(text, false);
}

void pull_requests(std::string_view text) {
    ensure(forge_message(text).find('\n') == std::string::npos, "what a forge says is one line");
    auto const json = parse_json(text);
    if (!json) return;
    auto const one = read_pull_request(*json);
    if (one) ensure(one->number > 0, "a pull request has a number");
    auto const chosen = choose_pull_request(*json, "back", "1234");
    if (!chosen || !*chosen) return;
    auto const is_open = (*chosen)->state == PullState::open;
    ensure(is_open || (*chosen)->head == "1234", "one that is over stood where ours stands");
}

}  // namespace

int rollbackd::fuzz::hands(std::uint8_t const* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view const text(reinterpret_cast<char const*>(data) + 1, size - 1);
    switch (data[0]) {
        case 'b':
            backups(text);
            break;
        case 'i':
            images(text);
            break;
        case 'r':
            rules(text);
            break;
        case 'g':
            gates(text);
            break;
        case 'p':
            pull_requests(text);
            break;
        default:
            break;
    }
    return 0;
}
