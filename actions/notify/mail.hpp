// A message as an Internet mail (RFC 5322): pure, so that headers have their own tests.
#pragma once

#include "actions/channel.hpp"

namespace rollbackd {

/// Who writes to whom: plain addresses, "ops@example.com".
struct Envelope {
    std::string from;
    std::vector<std::string> to;
};

/// Whether it is one plain address, and nothing that could end a header or a command.
bool is_address(std::string_view text);

/// Headers and a base64 body in UTF-8, lines ended by CRLF. The Message-ID is the same for every
/// attempt; mails of one incident refer to one root, so that readers show them as a thread. What
/// people or programs wrote never becomes a header of its own.
std::string mail_text(Outgoing const& message, Envelope const& envelope);

}  // namespace rollbackd
