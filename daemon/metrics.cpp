#include "daemon/metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>
#include <algorithm>
#include <fstream>

namespace rollbackd {

namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Counter;
using prometheus::Family;
using prometheus::Gauge;
using prometheus::Histogram;

Histogram::BucketBoundaries const latency_buckets{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                  0.25,  0.5,    1,     2.5,  5,     10};

Histogram::BucketBoundaries const share_buckets{0.001, 0.0025, 0.005, 0.01, 0.025,
                                                0.05,  0.1,    0.25,  0.5,  1};

double seconds(Duration duration) { return std::chrono::duration<double>(duration).count(); }

double epoch_seconds(WallTime time) {
    return std::chrono::duration<double>(time.time_since_epoch()).count();
}

double resident_bytes() {
    std::ifstream statm("/proc/self/statm");
    double size = 0;
    double resident = 0;
    statm >> size >> resident;
    return resident * double(sysconf(_SC_PAGESIZE));
}

// A gauge family whose children are set anew at each scrape, so that what is gone disappears. Those
// that stay are kept: to remove one, the library looks through all of them.
struct View {
    Family<Gauge>& family;
    std::map<prometheus::Labels, Gauge*> children{};
    std::map<prometheus::Labels, Gauge*> before{};

    void begin() { before.swap(children); }
    void set(prometheus::Labels const& labels, double value) {
        auto const known = before.find(labels);
        auto* const child = known == before.end() ? &family.Add(labels) : known->second;
        if (known != before.end()) before.erase(known);
        child->Set(value);
        children.emplace(labels, child);
    }
    void sweep() {
        for (auto const& [labels, child] : before) family.Remove(child);
        before.clear();
    }
};

}  // namespace

struct Metrics::Impl {
    prometheus::Registry registry;

    template <class B>
    static auto named(B builder, std::string const& name, std::string const& help) {
        return builder.Name(name).Help(help);
    }
    Family<Gauge>& gauge(std::string const& name, std::string const& help) {
        return BuildGauge().Name(name).Help(help).Register(registry);
    }
    Family<Counter>& counter(std::string const& name, std::string const& help) {
        return BuildCounter().Name(name).Help(help).Register(registry);
    }
    Family<Histogram>& histogram(std::string const& name, std::string const& help) {
        return BuildHistogram().Name(name).Help(help).Register(registry);
    }

    Histogram& append =
        histogram(
            "rollbackd_journal_append_seconds", "Time to make records durable, sync included."
        )
            .Add({}, latency_buckets);
    Histogram& lag =
        histogram("rollbackd_loop_lag_seconds", "How late the event loop's own timer fired.")
            .Add({}, latency_buckets);
    Histogram& late =
        histogram(
            "rollbackd_probe_lag_seconds", "How late probes were begun against their schedule."
        )
            .Add({}, latency_buckets);
    Histogram& late_share =
        histogram(
            "rollbackd_probe_lag_ratio",
            "How late probes were begun, as a share of the interval they are asked in."
        )
            .Add({}, share_buckets);
    Family<Counter>& missed =
        counter("rollbackd_deadlines_missed_total", "Internal deadlines missed, by what was late.");
    Family<Counter>& beats =
        counter("rollbackd_heartbeats_total", "Heartbeats sent, by whether they were heard.");
    Family<Histogram>& probe =
        histogram("rollbackd_probe_duration_seconds", "Time probes took, by type of signal.");
    Family<Counter>& records =
        counter("rollbackd_journal_records_total", "Records appended to the journal, by kind.");
    Family<Counter>& runs =
        counter("rollbackd_runs_ended_total", "Runs that ended, by service, playbook and state.");
    Family<Counter>& opened =
        counter("rollbackd_incidents_opened_total", "Incidents opened, by service and severity.");
    Family<Counter>& messages = counter(
        "rollbackd_message_deliveries_total",
        "Attempts to deliver a message, by channel and result."
    );
    Family<Histogram>& requests = histogram(
        "rollbackd_http_request_duration_seconds",
        "Time to answer API requests, by method, route and code."
    );
    Gauge& reload_ok = gauge(
                           "rollbackd_config_last_reload_successful",
                           "1 when the newest configuration could be loaded, else 0."
    )
                           .Add({});
    Gauge& reload_at = gauge(
                           "rollbackd_config_last_reload_success_timestamp_seconds",
                           "When the configuration in effect was loaded."
    )
                           .Add({});
    Counter& alerts = counter(
                          "rollbackd_alerts_unmatched_total",
                          "Alerts posted by Alertmanager that no signal means."
    )
                          .Add({});
    Gauge& resident = gauge("process_resident_memory_bytes", "Resident memory.").Add({});

    View build{gauge("rollbackd_build_info", "1; the version as a label.")};
    View open{gauge("rollbackd_incidents_open", "Open incidents, by service, severity and state.")};
    View trigger{
        gauge("rollbackd_trigger_verdict", "Verdict of a trigger: 1 true, 0 false, -1 unknown.")
    };
    View sample{gauge(
        "rollbackd_signal_last_sample_timestamp_seconds", "Event time of a signal's newest sample."
    )};
    View stale{gauge("rollbackd_signal_stale", "1 when a signal has no fresh sample, else 0.")};
    View paused{gauge("rollbackd_service_paused", "1 when a service is paused or frozen, else 0.")};
    View autonomy{gauge(
        "rollbackd_service_autonomy",
        "Configured autonomy of a service: 0 observe, 1 advise, 2 enforce."
    )};
    View ready{gauge(
        "rollbackd_playbook_ready",
        "1 when a playbook could be run when it was looked at last, else 0."
    )};
    View drill{gauge(
        "rollbackd_last_drill_timestamp_seconds",
        "When a playbook was drilled last with success, in Unix time; none: never."
    )};
    View queue{gauge("rollbackd_queue_length", "Entries waiting, by queue.")};
    View writable{gauge("rollbackd_journal_writable", "1 when the journal can be written, else 0.")
    };
    View leader{gauge(
        "rollbackd_leader",
        "1 where this daemon acts, 0 where it stands by for the one that holds the lease."
    )};
    View followed{
        gauge("rollbackd_journal_seq", "Newest record of the journal that this daemon knows.")
    };
    View certificate{gauge(
        "rollbackd_tls_certificate_not_after_timestamp_seconds",
        "Until when the certificate that the API shows is good, in Unix time; none: no TLS."
    )};
    Family<Counter>& skipped = counter(
        "rollbackd_source_skipped_lines_total",
        "Log lines a source did not turn into samples, by source and reason."
    );

    void look(Engine const& engine, Now now);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::probed(SignalPolicy const& signal, Duration took, Duration late) {
    impl_->probe.Add({{"type", signal.type}}, latency_buckets).Observe(seconds(took));
    auto const lag = seconds(std::max(late, Duration::zero()));
    impl_->late.Observe(lag);
    impl_->late_share.Observe(lag / seconds(signal.every));
}

void Metrics::appended(Duration took) { impl_->append.Observe(seconds(took)); }
void Metrics::loop_lag(Duration lag) { impl_->lag.Observe(seconds(lag)); }

void Metrics::missed(std::string const& deadline) {
    impl_->missed.Add({{"deadline", deadline}}).Increment();
}

void Metrics::beat(bool heard) {
    impl_->beats.Add({{"result", heard ? "heard" : "unheard"}}).Increment();
}

void Metrics::applied(std::vector<Record> const& records, State const& state) {
    for (auto const& record : records) {
        impl_->records.Add({{"kind", record.kind}}).Increment();
        bool const ended = record.kind == "run.ended";
        bool const opened = record.kind == "incident.opened";
        if (!ended && !opened) continue;
        auto const json = parse_json(record.body);
        if (!json) continue;
        if (ended) {
            auto const [incident, run] = state.run(text_of(*json, "run"));
            if (run == nullptr) continue;
            impl_->runs
                .Add(
                    {{"service", incident->service},
                     {"playbook", run->plan.playbook},
                     {"state", text_of(*json, "state")}}
                )
                .Increment();
        } else if (auto const* const incident = find(*json, "incident")) {
            impl_->opened
                .Add(
                    {{"service", text_of(*incident, "service")},
                     {"severity", text_of(*incident, "severity")}}
                )
                .Increment();
        }
    }
}

void Metrics::delivered(std::string const& channel, std::string_view result) {
    impl_->messages.Add({{"channel", channel}, {"result", std::string(result)}}).Increment();
}

void Metrics::requested(
    std::string_view method, std::string_view route, unsigned status, Duration took
) {
    impl_->requests
        .Add(
            {{"method", std::string(method)},
             {"route", std::string(route)},
             {"code", std::to_string(status)}},
            latency_buckets
        )
        .Observe(seconds(took));
}

void Metrics::reloaded(bool ok, Now now) {
    impl_->reload_ok.Set(ok ? 1 : 0);
    if (ok) impl_->reload_at.Set(epoch_seconds(now.wall));
}

void Metrics::certificate(std::optional<WallTime> not_after) {
    if (not_after) impl_->certificate.set({}, epoch_seconds(*not_after));
}

void Metrics::Impl::look(Engine const& engine, Now now) {
    std::array const all{&open, &trigger, &sample, &stale, &paused, &autonomy, &ready, &drill};
    for (auto* const view : all) view->begin();
    auto const& state = engine.state();
    std::map<std::array<std::string, 3>, int> counts;
    for (auto const& [id, incident] : state.incidents) {
        if (incident->state == IncidentState::resolved) continue;
        ++counts[{incident->service, to_string(incident->severity), to_string(incident->state)}];
    }
    for (auto const& [key, count] : counts) {
        open.set({{"service", key[0]}, {"severity", key[1]}, {"state", key[2]}}, count);
    }
    for (auto const& service : engine.policy().services) {
        auto const& known = state.service(service.name);
        bool const off = state.paused || known.paused || !known.frozen_by.empty();
        paused.set({{"service", service.name}}, off ? 1 : 0);
        auto const level = std::min(engine.policy().daemon.autonomy, service.autonomy);
        autonomy.set({{"service", service.name}}, double(int(level)));
        for (auto const& playbook : service.playbooks) {
            prometheus::Labels const labels{{"service", service.name}, {"playbook", playbook.name}};
            auto const looked = known.readiness.find(playbook.name);
            if (looked != known.readiness.end()) ready.set(labels, looked->second.ready ? 1 : 0);
            auto const drilled = known.drills.find(playbook.name);
            if (drilled == known.drills.end() || !drilled->second.passed_at) continue;
            auto const at = drilled->second.passed_at->wall.time_since_epoch();
            drill.set(labels, std::chrono::duration<double>(at).count());
        }
        for (auto const& one : service.triggers) {
            auto const* const track = engine.track(service.name, one.name);
            auto const verdict =
                track == nullptr || track->held ? Verdict::unknown : track->last.verdict;
            double const value = verdict == Verdict::true_    ? 1
                                 : verdict == Verdict::false_ ? 0
                                                              : -1;
            trigger.set({{"service", service.name}, {"trigger", one.name}}, value);
        }
        for (auto const& signal : service.signals) {
            auto const* const window = engine.window(service.name, signal.name);
            if (window == nullptr) continue;
            prometheus::Labels const labels{{"service", service.name}, {"signal", signal.name}};
            stale.set(labels, window->stale(now.boot) ? 1 : 0);
            if (!window->newest()) continue;
            sample.set(labels, epoch_seconds(to_wall(window->newest()->at, now)));
        }
    }
    for (auto* const view : all) view->sweep();
}

std::string Metrics::render(
    Engine const& engine, Decider const& decider, Reader const& reader, Now now
) {
    auto& views = *impl_;
    views.look(engine, now);
    views.build.set({{"version", ROLLBACKD_VERSION}}, 1);
    views.queue.set({{"queue", "events"}}, double(decider.queued()));
    views.queue.set({{"queue", "outbox"}}, double(engine.state().outbox.size()));
    views.writable.set({}, decider.writable() ? 1 : 0);
    views.leader.set({}, 1);
    views.followed.set({}, double(engine.state().seq));
    for (auto const& [name, status] : reader.status()) {
        // The source counts; what was counted since the last scrape is added.
        auto const skipped = [&](char const* reason, std::uint64_t count) {
            auto& counter = views.skipped.Add({{"source", name}, {"reason", reason}});
            counter.Increment(std::max(0.0, double(count) - counter.Value()));
        };
        skipped("unreadable", status.unreadable);
        skipped("no_status", status.no_status);
        skipped("too_long", status.too_long);
    }
    views.alerts.Increment(double(reader.alerts_unmatched()) - views.alerts.Value());
    views.resident.Set(resident_bytes());
    return prometheus::TextSerializer().Serialize(views.registry.Collect());
}

std::string Metrics::render_standby(Engine const& engine) {
    impl_->build.set({{"version", ROLLBACKD_VERSION}}, 1);
    impl_->leader.set({}, 0);
    impl_->followed.set({}, double(engine.state().seq));
    impl_->resident.Set(resident_bytes());
    return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace rollbackd
