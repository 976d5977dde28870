// What is said in the clear before a TLS handshake begins: SMTP's STARTTLS (RFC 3207) and
// PostgreSQL's SSLRequest. Private to this folder.
#pragma once

#include "core/io/stream.hpp"

namespace rollbackd {

/// "smtp" or "postgresql"; empty for any other name.
Prologue starttls_prologue(std::string_view protocol);

/// A whole reply of an SMTP server: its code, and its text. None yet: more must come; an Error
/// where it is no reply. Pure.
struct SmtpReply {
    int code = 0;
    std::string text;  // the lines without codes, each with its line break
};
Result<std::optional<SmtpReply>> read_smtp_reply(std::string_view received);

inline constexpr std::size_t smtp_reply_bytes_max = 8 * 1024;

}  // namespace rollbackd
