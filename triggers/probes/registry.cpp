#include "triggers/probes/registry.hpp"

#include "triggers/probes/remote.hpp"
#include "triggers/probes/types.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

// clang-format off: a row a type, so that two changes do not meet
std::vector<ProbeType> const& types() {
    static std::vector<ProbeType> const all{
        http_probe(),
        tls_probe(),
        tcp_probe(),
        exec_probe(),
        disk_probe(),
        memory_probe(),
        load_probe(),
        file_probe(),
        process_probe(),
        systemd_probe(),
        docker_probe(),
        pm2_probe(),
        env_probe(),
        crontab_probe(),
        backup_probe(),
        release_probe(),
        sql_probe(),
        prometheus_probe(),
        scrape_probe(),
        http_json_probe(),
        redis_probe(),
        dns_probe(),
        icmp_probe(),
    };
    return all;
}
// clang-format on

ProbeType const* find_type(std::string_view name) {
    auto const named = [name](ProbeType const& type) { return type.info.name == name; };
    auto const found = std::find_if(types().begin(), types().end(), named);
    return found == types().end() ? nullptr : &*found;
}

}  // namespace

Error wrong_field(std::string what, std::string where) {
    Error problem;
    problem.code = Errc::invalid;
    problem.what = std::move(what);
    problem.where = std::move(where);
    return problem;
}

bool is_our_own(NetFault fault) {
    return fault == NetFault::invalid || fault == NetFault::cancelled;
}

std::vector<TypeInfo> probe_catalogue() {
    std::vector<TypeInfo> infos;
    for (auto const& type : types()) infos.push_back(type.info);
    return infos;
}

std::vector<std::string> later_signal_types() {
    return {};  // everything of DESIGN A2 is here
}

std::vector<Error> check_probe(SignalPolicy const& signal) {
    auto const* const type = find_type(signal.type);
    return type == nullptr ? std::vector<Error>{} : type->check(signal.params);
}

std::optional<SignalNature> probe_nature(std::string const& type, JsonObject const& params) {
    auto const* const found = find_type(type);
    if (found == nullptr || found->nature == nullptr) return std::nullopt;
    return found->nature(params);
}

Result<std::unique_ptr<Probe>> make_probe(SignalPolicy const& signal, ProbeContext const& context) {
    if (!signal.from.empty()) return make_remote_probe(signal, context);
    auto const* const type = find_type(signal.type);
    if (type == nullptr)
        return fail(Errc::not_found, "no probe of type " + signal.type, signal.name);
    auto problems = type->check(signal.params);
    if (!problems.empty()) return tl::unexpected<Error>(std::move(problems.front()));
    return type->make(signal, context);
}

}  // namespace rollbackd
