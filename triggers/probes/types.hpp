// One function each for what a probe type says about itself, checks and makes: the rows of
// registry.cpp. Private to this folder.
#pragma once

#include "core/io/net_failure.hpp"
#include "triggers/probes/registry.hpp"

namespace rollbackd {

struct ProbeType {
    TypeInfo info;
    /// What the fields alone do not say; `where` of an Error is the field.
    std::vector<Error> (*check)(JsonObject const& params);
    std::unique_ptr<Probe> (*make)(SignalPolicy const& signal, ProbeContext const& context);
    /// Of a type without a kind of its own.
    std::optional<SignalNature> (*nature)(JsonObject const& params) = nullptr;
};

ProbeType http_probe();
ProbeType tls_probe();
ProbeType tcp_probe();
ProbeType exec_probe();
ProbeType disk_probe();
ProbeType memory_probe();
ProbeType load_probe();
ProbeType file_probe();
ProbeType process_probe();
ProbeType systemd_probe();
ProbeType docker_probe();
ProbeType pm2_probe();
ProbeType env_probe();
ProbeType crontab_probe();
ProbeType backup_probe();
ProbeType release_probe();
ProbeType sql_probe();
ProbeType prometheus_probe();
ProbeType scrape_probe();
ProbeType http_json_probe();
ProbeType redis_probe();
ProbeType dns_probe();
ProbeType icmp_probe();

/// What check() finds; `where` is the field.
Error wrong_field(std::string what, std::string where);

/// Whether a failure says nothing about the target: our own configuration or machine is at fault,
/// or we were told to stop. Then there is no sample.
bool is_our_own(NetFault fault);

}  // namespace rollbackd
