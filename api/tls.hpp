// Certificate, key and CA of the API's own listeners, ready for use: read where files may take
// long, then handed to the server, which takes it for connections to come.
#pragma once

#include "engine/policy.hpp"

#include <memory>

namespace rollbackd::api {

struct TlsContext;

/// Reads every file and checks that the key belongs to the certificate; the Error names the file.
/// Blocks.
Result<std::shared_ptr<TlsContext const>> load_tls(TlsPolicy const& policy);
/// Until when its certificate is good.
WallTime not_after(TlsContext const& context);

}  // namespace rollbackd::api
