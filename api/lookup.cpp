#include "api/lookup.hpp"

#include "api/render.hpp"
#include "core/names.hpp"

#include <algorithm>

namespace rollbackd::api {

namespace {

constexpr std::size_t names_told_max = 10;

std::string list_of(std::vector<std::string> const& names) {
    std::string out;
    for (std::size_t i = 0; i < std::min(names.size(), names_told_max); ++i) {
        out += (i == 0 ? "" : ", ") + names[i];
    }
    return out + (names.size() > names_told_max ? ", …" : "");
}

/// "no service named shpo; did you mean shop?", or what there is.
template <class Items>
Response no_such(std::string_view what, std::string const& name, Items const& items) {
    std::vector<std::string> names;
    for (auto const& item : items) names.push_back(item.name);
    auto const meant = nearest_name(name, names);
    std::string hint = "; there is none";
    if (!names.empty()) hint = "; there is: " + list_of(names);
    if (!meant.empty()) hint = "; did you mean " + meant + "?";
    return refuse(404, "no " + std::string(what) + " named " + name + hint);
}

template <class T, class Items>
Found<T> find_named(
    std::string_view what, std::string const& name, T const* item, Items const& all
) {
    Found<T> found;
    found.item = item;
    if (item == nullptr) found.refusal = no_such(what, name, all);
    return found;
}

}  // namespace

Found<ServicePolicy> find_service(Context& context) {
    return find_service(context, context.request.param("s"));
}

Found<ServicePolicy> find_service(Context& context, std::string const& name) {
    auto const& policy = context.policy();
    return find_named("service", name, policy.service(name), policy.services);
}

Found<SignalPolicy> find_signal(Context& context, ServicePolicy const& service) {
    auto const& name = context.request.param("g");
    return find_named("signal", name, service.signal(name), service.signals);
}

Found<TriggerPolicy> find_trigger(Context& context, ServicePolicy const& service) {
    auto const& name = context.request.param("t");
    return find_named("trigger", name, service.trigger(name), service.triggers);
}

Found<Playbook> find_playbook(Context& context, ServicePolicy const& service) {
    auto const& name = context.request.param("p");
    return find_named("playbook", name, service.playbook(name), service.playbooks);
}

Found<Incident> find_incident(Context& context) {
    auto const& id = context.request.param("id");
    Found<Incident> found;
    found.item = context.state().incident(id);
    if (found.item == nullptr)
        found.refusal = refuse(404, "no incident " + id + "; see: rollbackctl incidents");
    return found;
}

Response answer_incident(Context& context, Reply const& reply) {
    if (reply.error) return refuse(*reply.error);
    auto const found = context.state().incident(
        reply.incident.empty() ? context.request.param("id") : reply.incident
    );
    if (found == nullptr) return refuse(404, "the incident is no longer kept");
    return answer(render_incident(*found));
}

Response answer_run(Context& context, Reply const& reply, unsigned status) {
    if (reply.error) return refuse(*reply.error);
    auto const [incident, run] = context.state().run(reply.run);
    if (run == nullptr) return refuse(404, "the run is no longer kept");
    return answer(render_run(*run), status);
}

}  // namespace rollbackd::api
