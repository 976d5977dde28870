// What the firewall step is about, as values: ports, networks, and the table that nftables is told.
// Pure but for Asio's addresses.
#pragma once

#include "core/json.hpp"

namespace rollbackd {

/// "443"; nullopt: no port.
std::optional<std::uint16_t> port_of(std::string_view text);

/// "192.0.2.7", "192.0.2.0/24", "2001:db8::/32" as a firewall itself writes it: the network's own
/// address, and no length where it is one machine's. nullopt: neither, or everybody (/0).
std::optional<std::string> network_of(std::string_view text);

enum class Gate { closed, limited, open };

/// What is to be so: these ports, for nobody, for these networks, or as without us.
struct Gates {
    Gate state = Gate::closed;
    std::vector<std::uint16_t> ports;
    std::vector<std::string> networks;  // of limited

    friend bool operator==(Gates const&, Gates const&) = default;
};

/// An Error names the field that is wrong.
Result<Gates> gates_of(
    bool close, std::vector<std::string> const& ports, std::vector<std::string> const& networks
);

std::string port_words(std::vector<std::uint16_t> const& ports);

/// One transaction for `nft -f`: a table of its own for each port, replaced whole or gone. A drop
/// in it is final whatever any other table accepts, and it comes before addresses are translated,
/// so that ports which a container engine has published are met too.
std::string nft_text(Gates const& gates);

/// What another machine's connections (outside_look) say against it; nullopt: nothing. Closed is
/// what does not accept, open what does not stay silent: where nobody listens it is refused.
std::optional<std::string> look_from_outside(std::string_view lines, bool closed);

/// "rollbackd_port_443"
std::string nft_table(std::uint16_t port);

}  // namespace rollbackd
