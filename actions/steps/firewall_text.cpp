#include "actions/steps/firewall_text.hpp"

#include "core/names.hpp"

#include <algorithm>
#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>
#include <charconv>

namespace rollbackd {

namespace ip = boost::asio::ip;

namespace {

template <class Network>
std::string written(Network const& network, int whole) {
    auto const canonical = network.canonical();
    return canonical.prefix_length() == whole ? canonical.address().to_string()
                                              : canonical.to_string();
}

std::string set_of(std::vector<std::string> const& networks, bool six) {
    std::string out;
    for (auto const& network : networks) {
        if ((network.find(':') != std::string::npos) != six) continue;
        out += (out.empty() ? "" : ", ") + network;
    }
    return out;
}

/// Loopback stays open: what is inside looks at itself, and a proxy hands on. Only what is meant
/// for this machine is met, never what its containers ask of other machines' port 443.
std::string chain_of(std::uint16_t port, std::vector<std::string> const& networks) {
    std::string text =
        "    chain closed {\n"
        "        type filter hook prerouting priority -310; policy accept;\n"
        "        iifname \"lo\" accept\n";
    auto const four = set_of(networks, false);
    auto const six = set_of(networks, true);
    if (!four.empty()) text += "        ip saddr { " + four + " } accept\n";
    if (!six.empty()) text += "        ip6 saddr { " + six + " } accept\n";
    text += "        fib daddr type local meta l4proto { tcp, udp } th dport " +
            std::to_string(port) + " counter drop\n    }\n";
    return text;
}

}  // namespace

std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    auto const* const end = text.data() + text.size();
    auto const [stop, code] = std::from_chars(text.data(), end, port);
    if (code != std::errc() || stop != end || port == 0) return std::nullopt;
    return port;
}

std::optional<std::string> network_of(std::string_view text) {
    boost::system::error_code code;
    bool const six = text.find(':') != std::string_view::npos;
    std::string whole(text);
    if (whole.find('/') == std::string::npos) whole += six ? "/128" : "/32";
    if (six) {
        auto const network = ip::make_network_v6(whole, code);
        if (code || network.prefix_length() == 0 || network.address().scope_id() != 0) {
            return std::nullopt;
        }
        return written(network, 128);
    }
    auto const network = ip::make_network_v4(whole, code);
    if (code || network.prefix_length() == 0) return std::nullopt;
    return written(network, 32);
}

Result<Gates> gates_of(
    bool close, std::vector<std::string> const& ports, std::vector<std::string> const& networks
) {
    Gates gates;
    constexpr std::size_t ports_max = 32;
    constexpr std::size_t networks_max = 256;
    for (auto const& text : ports) {
        auto const port = port_of(text);
        if (!port) return fail(Errc::invalid, printable(text, 80) + " is no port", "ports");
        gates.ports.push_back(*port);
    }
    std::sort(gates.ports.begin(), gates.ports.end());
    gates.ports.erase(std::unique(gates.ports.begin(), gates.ports.end()), gates.ports.end());
    if (gates.ports.empty()) return fail(Errc::invalid, "no port is named", "ports");
    if (gates.ports.size() > ports_max) {
        return fail(Errc::invalid, "more than " + std::to_string(ports_max) + " ports", "ports");
    }
    for (auto const& text : networks) {
        auto network = network_of(text);
        if (!network) {
            return fail(
                Errc::invalid,
                printable(text, 80) + " is no address or network; 192.0.2.7 and 2001:db8::/32 are",
                "to"
            );
        }
        gates.networks.push_back(std::move(*network));
    }
    auto& all = gates.networks;
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    if (all.size() > networks_max) {
        return fail(Errc::invalid, "more than " + std::to_string(networks_max) + " networks", "to");
    }
    if (close && !all.empty()) return fail(Errc::invalid, "to goes with do: open", "to");
    gates.state = close ? Gate::closed : all.empty() ? Gate::open : Gate::limited;
    return gates;
}

std::string port_words(std::vector<std::uint16_t> const& ports) {
    std::string out = ports.size() == 1 ? "port " : "ports ";
    for (std::size_t i = 0; i < ports.size(); ++i) {
        auto const* const between = i == 0 ? "" : i + 1 == ports.size() ? " and " : ", ";
        out += between + std::to_string(ports[i]);
    }
    return out;
}

std::optional<std::string> look_from_outside(std::string_view lines, bool closed) {
    bool looked = false;
    while (!lines.empty()) {
        auto const end = lines.find('\n');
        auto line = lines.substr(0, end);
        lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
        auto const second = line.find(' ', line.find(' ') + 1);
        if (line.find(' ') == std::string_view::npos || second == std::string_view::npos) continue;
        auto const what = line.substr(second + 1);
        auto const where = printable(line.substr(0, second), 80);
        looked = true;
        bool const good = what == "refused" || what == (closed ? "silent" : "open");
        if (good) continue;
        if (what == "open") return where + " still accepts connections";
        if (what == "silent") return where + " does not answer";
        return where + ": " + printable(what, 200);
    }
    if (!looked) return "nothing could be looked at";
    return std::nullopt;
}

std::string nft_table(std::uint16_t port) { return "rollbackd_port_" + std::to_string(port); }

std::string nft_text(Gates const& gates) {
    std::string text;
    for (auto const port : gates.ports) {
        auto const table = "table inet " + nft_table(port);
        // Added first, so that it can be deleted whether it was there or not.
        text += "add " + table + "\ndelete " + table + "\n";
        if (gates.state == Gate::open) continue;
        text += table + " {\n" + chain_of(port, gates.networks) + "}\n";
    }
    return text;
}

}  // namespace rollbackd
