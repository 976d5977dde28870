// Certificates of every kind of brokenness, made with OpenSSL when a test needs them, and a server
// behaviour that shows them.
#pragma once

#include "tests/core/io/support/server.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>
#include <stdexcept>

namespace rollbackd::testing {

using Key = std::shared_ptr<EVP_PKEY>;
using Certificate = std::shared_ptr<X509>;

struct Identity {
    Key key;
    Certificate certificate;

    std::string pem() const {
        std::unique_ptr<BIO, decltype(&BIO_free)> const out(BIO_new(BIO_s_mem()), &BIO_free);
        PEM_write_bio_X509(out.get(), certificate.get());
        char* data = nullptr;
        auto const length = BIO_get_mem_data(out.get(), &data);
        return std::string(data, static_cast<std::size_t>(length));
    }
};

struct CertificateWish {
    std::string name = "localhost";     // subject's CN
    std::string san = "DNS:localhost";  // empty: none
    int from_days = -1;                 // relative to now
    int until_days = 90;
    bool authority = false;
};

inline void add_extension(X509* certificate, X509* issuer, int nid, std::string const& value) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    auto* const extension = X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
    if (extension == nullptr) throw std::runtime_error("bad extension " + value);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
}

/// Signed by `issuer`, or by itself.
inline Identity make_identity(CertificateWish const& wish, Identity const* issuer = nullptr) {
    static long serial = 1;
    constexpr long day = 24 * 60 * 60;
    Identity made{Key(EVP_EC_gen("P-256"), &EVP_PKEY_free), Certificate(X509_new(), &X509_free)};
    auto* const x509 = made.certificate.get();
    X509_set_version(x509, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(x509), serial++);
    // A minute of grace, so that a count of whole days does not hang on the second of the test.
    X509_gmtime_adj(X509_getm_notBefore(x509), wish.from_days * day);
    X509_gmtime_adj(X509_getm_notAfter(x509), wish.until_days * day + 60);
    X509_set_pubkey(x509, made.key.get());
    auto const* const cn = reinterpret_cast<unsigned char const*>(wish.name.c_str());
    X509_NAME_add_entry_by_txt(X509_get_subject_name(x509), "CN", MBSTRING_UTF8, cn, -1, -1, 0);
    auto* const signer = issuer == nullptr ? x509 : issuer->certificate.get();
    X509_set_issuer_name(x509, X509_get_subject_name(signer));
    add_extension(
        x509, signer, NID_basic_constraints, wish.authority ? "critical,CA:TRUE" : "CA:FALSE"
    );
    if (!wish.san.empty()) add_extension(x509, signer, NID_subject_alt_name, wish.san);
    X509_sign(x509, issuer == nullptr ? made.key.get() : issuer->key.get(), EVP_sha256());
    return made;
}

/// A behaviour for TestServer: shakes hands as `identity` (sending `chain` too), then `talk`s.
class TlsBehaviour {
public:
    using Talk = std::function<void(SSL*)>;

    TlsBehaviour(Identity const& identity, std::vector<Identity> const& chain, Talk talk)
        : context_(SSL_CTX_new(TLS_server_method()), &SSL_CTX_free), talk_(std::move(talk)) {
        SSL_CTX_use_certificate(context_.get(), identity.certificate.get());
        SSL_CTX_use_PrivateKey(context_.get(), identity.key.get());
        for (auto const& one : chain)
            SSL_CTX_add1_chain_cert(context_.get(), one.certificate.get());
    }

    void operator()(Peer const& peer) const {
        std::unique_ptr<SSL, decltype(&SSL_free)> const ssl(SSL_new(context_.get()), &SSL_free);
        SSL_set_fd(ssl.get(), peer.fd());
        if (SSL_accept(ssl.get()) != 1) return;
        if (talk_) talk_(ssl.get());
        SSL_shutdown(ssl.get());
    }

    /// Answers one request with 200 and this body.
    static Talk answering(std::string body) {
        return [body](SSL* ssl) {
            char piece[4096];
            if (SSL_read(ssl, piece, sizeof piece) <= 0) return;
            auto const answer =
                "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                body;
            SSL_write(ssl, answer.data(), static_cast<int>(answer.size()));
        };
    }

private:
    std::shared_ptr<SSL_CTX> context_;
    Talk talk_;
};

}  // namespace rollbackd::testing
