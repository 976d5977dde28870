// What OpenSSL's verification of a peer found, kept whole. Private to core/io.
#pragma once

#include "core/io/tls_context.hpp"

#include <openssl/ssl.h>

namespace rollbackd {

/// Lives as long as the handshake.
struct TlsFindings {
    struct Finding {
        int code = 0;   // X509_V_ERR_…
        int depth = 0;  // 0: the leaf
        std::string subject;
        std::string issuer;
        std::string until;
        std::string since;
    };
    std::vector<Finding> findings;
    std::string name;  // that the certificate was checked against
    bool enforce = true;
};

/// Sets SNI, the name to check and the recording callback. `findings` outlives the handshake.
Result<void> prepare_verification(SSL* ssl, TlsFindings& findings);
/// "expired: …" and the like, the most telling first.
std::vector<std::string> describe(TlsFindings const& findings);
/// After the handshake.
TlsPeer read_peer(SSL* ssl, TlsFindings const& findings);

}  // namespace rollbackd
