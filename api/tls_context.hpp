// What a TlsContext is to the files that speak TLS.
#pragma once

#include "api/request.hpp"
#include "api/tls.hpp"

#include <boost/asio/ssl/context.hpp>

namespace rollbackd::api {

struct TlsContext {
    mutable boost::asio::ssl::context context{boost::asio::ssl::context::tls_server};
    WallTime not_after{};
};

/// Of a handshake that is done: whose certificate it was, verified by our CA; nothing where none
/// was asked for.
std::optional<ClientCertificate> client_certificate(SSL* session);

}  // namespace rollbackd::api
