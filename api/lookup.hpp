// What a path names, or the 404 that says what was meant.
#pragma once

#include "api/problem.hpp"
#include "api/routes.hpp"

namespace rollbackd::api {

/// Exactly one of the two is set.
template <class T>
struct Found {
    T const* item = nullptr;
    Response refusal;

    explicit operator bool() const { return item != nullptr; }
    T const* operator->() const { return item; }
    T const& operator*() const { return *item; }
};

/// The one of the path, or one named in a body.
Found<ServicePolicy> find_service(Context& context);
Found<ServicePolicy> find_service(Context& context, std::string const& name);
Found<SignalPolicy> find_signal(Context& context, ServicePolicy const& service);
Found<TriggerPolicy> find_trigger(Context& context, ServicePolicy const& service);
Found<Playbook> find_playbook(Context& context, ServicePolicy const& service);
Found<Incident> find_incident(Context& context);

/// The answer to a decision about the path's incident: it as it is now, or the refusal.
Response answer_incident(Context& context, Reply const& reply);
/// The run a reply names, as it is now.
Response answer_run(Context& context, Reply const& reply, unsigned status);

}  // namespace rollbackd::api
