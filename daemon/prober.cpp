#include "daemon/prober.hpp"

#include "daemon/schedule.hpp"

namespace rollbackd {

namespace asio = boost::asio;

struct Prober::Task {
    Task(
        asio::any_io_executor executor, std::string service_, SignalPolicy policy_,
        TaskGroup::Report report
    )
        : service(std::move(service_)),
          policy(std::move(policy_)),
          wake(executor),
          group(executor, std::move(report)) {}

    std::string service;
    SignalPolicy policy;
    std::unique_ptr<Probe> probe;
    WakeUp wake;
    std::string note;
    Json saved;            // as before the question that is under way
    bool pending = false;  // the probe may be ahead of what was observed
    TaskGroup group;       // of one: so that this probe can be ended alone
};

Prober::Prober(
    asio::any_io_executor executor, ProbeContext context, Engine const& engine, Decider& decider,
    TaskGroup::Report report
)
    : executor_(std::move(executor)),
      context_(context),
      engine_(engine),
      decider_(decider),
      report_(std::move(report)) {}

Prober::~Prober() = default;

asio::awaitable<void> Prober::follow(std::shared_ptr<Policy const> policy, Json const& saved) {
    std::map<std::string, std::shared_ptr<Task>> kept;
    std::vector<std::shared_ptr<Task>> fresh;
    for (auto const& service : policy->services) {
        for (auto const& signal : service.signals) {
            if (!signal.is_probe) continue;
            auto const key = service.name + "/" + signal.name;
            auto const known = tasks_.find(key);
            if (known != tasks_.end() && known->second->policy == signal) {
                kept[key] = known->second;
                tasks_.erase(known);
                continue;
            }
            auto task = std::make_shared<Task>(executor_, service.name, signal, report_);
            auto made = make_probe(signal, context_);
            if (made) {
                task->probe = std::move(*made);
                if (auto const* const last = find(saved, key)) task->probe->resume(*last);
                fresh.push_back(task);
            } else {
                task->note = to_string(made.error());
                if (report_) report_("probe " + key, task->note);
            }
            kept[key] = std::move(task);
        }
    }
    auto const gone = std::exchange(tasks_, std::move(kept));
    for (auto const& [key, task] : gone) {
        task->group.cancel();
        task->wake.notify();
    }
    for (auto const& [key, task] : gone) co_await task->group.join();
    for (auto const& task : fresh) task->group.spawn("probe", probe(task));
}

asio::awaitable<void> Prober::probe(std::shared_ptr<Task> task) {
    auto const key = task->service + "/" + task->policy.name;
    Schedule const schedule(context_.clock.now().boot, task->policy.every, key, tasks_.size());
    auto due = schedule.first();
    auto last = Instant::min();
    while (!co_await is_cancelled()) {
        auto now = context_.clock.now();
        if (now.boot < due) {
            bool const woken = co_await task->wake.wait_for(due - now.boot);
            if (co_await is_cancelled()) break;
            now = context_.clock.now();
            if (woken && last != Instant::min()) {
                due = std::min(due, last + engine_.pace(task->service, task->policy));
            }
            if (now.boot < due) continue;
        }
        auto const begun = context_.clock.now();
        auto const late = begun.boot - due;
        last = begun.boot;
        task->saved = task->probe->save();
        task->pending = true;
        auto answer = co_await task->probe->ask(task->policy.timeout);
        if (co_await is_cancelled()) break;
        auto const ended = context_.clock.now();
        co_await hand_in(*task, std::move(answer), begun.boot);
        if (co_await is_cancelled()) break;
        task->pending = false;
        if (seen_) seen_(task->policy, ended.boot - begun.boot, late);
        due = schedule.next(begun.boot, ended.boot, engine_.pace(task->service, task->policy));
    }
}

asio::awaitable<void> Prober::hand_in(Task& task, ProbeAnswer answer, Instant begun) {
    task.note = std::move(answer.note);
    // Nothing was learnt about the target; people still see why.
    bool const mute = !answer.value && answer.more.empty() && !task.note.empty();
    if (mute) answer.value = UnknownValue{task.note};
    auto const now = context_.clock.now();
    std::vector<Sample> samples;
    auto const add = [&](SampleValue value) -> Sample& {
        auto& sample = samples.emplace_back();
        sample.service = task.service;
        sample.signal = task.policy.name;
        sample.at = begun;
        sample.value = std::move(value);
        return sample;
    };
    for (auto& measured : answer.more) {
        auto& sample = add(std::move(measured.value));
        sample.by = std::move(measured.by);
        sample.id = std::move(measured.id);
        sample.client = std::move(measured.client);
        if (measured.at) sample.at = to_instant(*measured.at, now);
    }
    if (answer.value) add(*std::move(answer.value));
    if (samples.empty()) co_return;
    bool const counts = task.policy.kind == SignalKind::outcomes;
    // Full: a probe's next sample tells as much, but what was counted is counted once.
    while (!decider_.ingest(samples) && counts) {
        if (!co_await sleep_for(std::chrono::milliseconds(50))) co_return;
    }
}

JsonObject Prober::save() const {
    JsonObject out;
    for (auto const& [key, task] : tasks_) {
        if (!task->probe) continue;
        auto saved = task->pending ? task->saved : task->probe->save();
        if (!saved.is_null()) out[key] = std::move(saved);
    }
    return out;
}

void Prober::hurry(std::string const& service) {
    for (auto const& [key, task] : tasks_) {
        if (task->service == service) task->wake.notify();
    }
}

asio::awaitable<void> Prober::stop() {
    for (auto const& [key, task] : tasks_) {
        task->group.cancel();
        task->wake.notify();
    }
    for (auto const& [key, task] : tasks_) co_await task->group.join();
}

}  // namespace rollbackd
