// TLS of the API's own listeners: TLS 1.2 or newer, and client certificates where a CA is given.
#include "api/server_http.hpp"

#include <boost/asio/ssl.hpp>

namespace rollbackd::api {

namespace ssl = boost::asio::ssl;

Result<ssl::context> make_server_tls(TlsPolicy const& policy) {
    ssl::context context(ssl::context::tls_server);
    boost::system::error_code code;
    context.set_options(
        ssl::context::default_workarounds | ssl::context::no_sslv2 | ssl::context::no_sslv3 |
            ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1 | SSL_OP_NO_RENEGOTIATION |
            SSL_OP_NO_COMPRESSION,
        code
    );
    if (code) return fail(Errc::internal, "TLS cannot be set up: " + code.message());
    context.use_certificate_chain_file(policy.cert, code);
    if (code) return fail(Errc::io, "cannot use the certificate: " + code.message(), policy.cert);
    context.use_private_key_file(policy.key, ssl::context::pem, code);
    if (code) return fail(Errc::io, "cannot use the private key: " + code.message(), policy.key);
    if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
        return fail(Errc::invalid, "the key does not belong to " + policy.cert, policy.key);
    }
    if (policy.client_ca.empty()) return context;
    context.load_verify_file(policy.client_ca, code);
    if (code) return fail(Errc::io, "cannot use the CA: " + code.message(), policy.client_ca);
    context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, code);
    if (code) return fail(Errc::internal, "TLS cannot be set up: " + code.message());
    return context;
}

}  // namespace rollbackd::api
