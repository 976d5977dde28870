// A self-signed certificate for 127.0.0.1, made on the spot, in a folder that goes away with it.
#pragma once

#include <filesystem>
#include <string>

namespace rollbackd::api::testing {

class TempFolder {
public:
    TempFolder();
    ~TempFolder();
    TempFolder(TempFolder const&) = delete;
    TempFolder& operator=(TempFolder const&) = delete;

    std::string file(std::string const& name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

/// Writes cert.pem and key.pem.
void write_certificate(TempFolder const& folder);

}  // namespace rollbackd::api::testing
