// TLS as a client: what to check, what the peer showed, and the OpenSSL contexts, one per CA file.
#pragma once

#include "core/io/net_failure.hpp"

#include <memory>

namespace boost::asio::ssl {
class context;
}

namespace rollbackd {

struct TlsOptions {
    std::string ca_file{};      // PEM; empty: the system's store
    std::string server_name{};  // SNI and the name checked; empty: the host dialled
    /// False: the handshake goes on whatever the certificate is, and TlsPeer::problems tells. Only
    /// for the probe that watches certificates; nothing that sends a secret may use it.
    bool enforce = true;

    friend bool operator==(TlsOptions const&, TlsOptions const&) = default;
};

struct CertificateInfo {
    std::string subject;
    std::string issuer;
    WallTime not_before{};
    WallTime not_after{};

    friend bool operator==(CertificateInfo const&, CertificateInfo const&) = default;
};
BOOST_DESCRIBE_STRUCT(CertificateInfo, (), (subject, issuer, not_before, not_after))

struct TlsPeer {
    std::string protocol;  // TLSv1.3
    CertificateInfo leaf;
    /// The chain as verified up to the trust anchor; only the leaf where it was not.
    std::vector<CertificateInfo> chain;
    /// What verification found, most telling first: "expired: …", "wrong_host: …", "self_signed:
    /// …", "untrusted: …", "not_yet_valid: …". Empty: everything holds.
    std::vector<std::string> problems;

    friend bool operator==(TlsPeer const&, TlsPeer const&) = default;
};
BOOST_DESCRIBE_STRUCT(TlsPeer, (), (protocol, leaf, chain, problems))

/// Every certificate of a PEM text, in its order; what else stands there is left out.
Result<std::vector<CertificateInfo>> read_certificates(std::string_view pem);
inline constexpr std::size_t certificates_max = 64;

/// Contexts are made when first needed (the system's store is big) and made anew when the CA file
/// has changed. One thread.
class TlsContexts {
public:
    TlsContexts();
    ~TlsContexts();
    Result<std::shared_ptr<boost::asio::ssl::context>> get(std::string const& ca_file);

    static constexpr std::size_t contexts_max = 64;

private:
    struct Entry;
    std::vector<std::unique_ptr<Entry>> entries_;
};

}  // namespace rollbackd
