#include "tests/api/support/certificate.hpp"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>

namespace rollbackd::api::testing {

TempFolder::TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "rollbackd-api-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
}

TempFolder::~TempFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
}

void write_certificate(TempFolder const& folder) {
    std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> const key(
        EVP_EC_gen("P-256"), EVP_PKEY_free
    );
    std::unique_ptr<X509, decltype(&X509_free)> const certificate(X509_new(), X509_free);
    X509_set_version(certificate.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
    X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 3600);
    X509_set_pubkey(certificate.get(), key.get());
    auto* const name = X509_get_subject_name(certificate.get());
    auto const* const text = reinterpret_cast<unsigned char const*>("127.0.0.1");
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(certificate.get(), name);
    X509_sign(certificate.get(), key.get(), EVP_sha256());
    auto const write = [](std::string const& path, auto const& body) {
        std::unique_ptr<std::FILE, int (*)(std::FILE*)> const file(
            std::fopen(path.c_str(), "w"), std::fclose
        );
        if (!file || body(file.get()) != 1) throw std::runtime_error("cannot write " + path);
    };
    write(folder.file("cert.pem"), [&](std::FILE* file) {
        return PEM_write_X509(file, certificate.get());
    });
    write(folder.file("key.pem"), [&](std::FILE* file) {
        return PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
}

}  // namespace rollbackd::api::testing
