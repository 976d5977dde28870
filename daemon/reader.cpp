#include "daemon/reader.hpp"

namespace rollbackd {

namespace asio = boost::asio;

struct Reader::Task {
    Task(
        asio::any_io_executor executor, std::string service_, SignalPolicy policy_,
        TaskGroup::Report report
    )
        : service(std::move(service_)),
          policy(std::move(policy_)),
          group(executor, std::move(report)) {}

    std::string service;
    SignalPolicy policy;
    std::unique_ptr<Source> source;
    Json offset;           // as saved before the batch that is under way
    bool begun = false;    // has looked for the first time
    bool pending = false;  // the source is ahead of what was observed
    TaskGroup group;
    std::optional<Instant> unread_since;
    Instant known_at = Instant::min();  // when it was said last that it can be read again
    std::string told;                   // why it cannot be read, as it was told
    std::uint64_t lost = 0;             // of the source's, told already
};

Reader::Reader(SourceContext context, Decider& decider, TaskGroup::Report report, Trouble trouble)
    : context_(std::move(context)),
      decider_(decider),
      report_(std::move(report)),
      trouble_(std::move(trouble)),
      begun_(context_.executor) {}

Reader::~Reader() = default;

asio::awaitable<void> Reader::follow(std::shared_ptr<Policy const> policy, Json const& saved) {
    std::map<std::string, std::shared_ptr<Task>> kept;
    std::vector<std::shared_ptr<Task>> fresh;
    for (auto const& service : policy->services) {
        for (auto const& signal : service.signals) {
            if (signal.is_probe || signal.type == "push") continue;
            auto const key = service.name + "/" + signal.name;
            auto const known = tasks_.find(key);
            if (known != tasks_.end() && known->second->policy == signal) {
                kept[key] = known->second;
                tasks_.erase(known);
                continue;
            }
            auto task = std::make_shared<Task>(context_.executor, service.name, signal, report_);
            auto const* const offset = find(saved, key);
            task->offset = offset == nullptr ? Json(nullptr) : *offset;
            auto made = make_source(service.name, signal, context_, task->offset);
            if (made && *made) {
                task->source = std::move(*made);
                fresh.push_back(task);
            } else if (!made && report_) {
                report_("source " + key, to_string(made.error()));
            }
            kept[key] = std::move(task);
        }
    }
    auto const gone = std::exchange(tasks_, std::move(kept));
    for (auto const& [key, task] : gone) task->group.cancel();
    for (auto const& [key, task] : gone) co_await task->group.join();
    for (auto const& task : fresh) task->group.spawn("source", read(task));
    co_await first_looks(std::move(fresh));
}

asio::awaitable<void> Reader::first_looks(std::vector<std::shared_ptr<Task>> fresh) {
    auto const until = context_.clock.now().boot + first_look_max;
    auto const has_begun = [](std::shared_ptr<Task> const& task) { return task->begun; };
    while (!std::all_of(fresh.begin(), fresh.end(), has_begun)) {
        bool const more = co_await begun_.wait_for(until - context_.clock.now().boot);
        if (!more) co_return;
    }
}

asio::awaitable<void> Reader::read(std::shared_ptr<Task> task) {
    co_await task->source->begin();
    task->begun = true;
    begun_.notify();
    while (!co_await is_cancelled()) {
        task->offset = task->source->save();
        auto batch = co_await task->source->next_batch();
        if (!batch) {
            if (batch.error().code == Errc::cancelled) break;
            if (report_) report_("source " + task->policy.name, to_string(batch.error()));
            co_await sleep_for(std::chrono::seconds(1));
            continue;
        }
        task->pending = true;
        // A full queue makes the log wait, not the lines go: the file keeps them.
        while (!decider_.ingest(*batch)) {
            co_await sleep_for(std::chrono::milliseconds(50));
            if (co_await is_cancelled()) co_return;
        }
        task->pending = false;
    }
}

asio::awaitable<void> Reader::watch() {
    while (co_await sleep_for(look_every)) {
        for (auto const& [key, task] : tasks_) {
            if (task->source) look(key, *task);
        }
    }
}

void Reader::look(std::string const& key, Task& task) {
    auto const status = task.source->status();
    if (status.lost > task.lost) {
        task.lost = status.lost;
        trouble_(key, "a rotated file was gone before it was read to its end; lines are missing");
    }
    if (status.reading) {
        task.unread_since.reset();
        if (std::exchange(task.told, {}).empty()) return;
        trouble_(key, "");
        // That it says nothing is known again, before it says anything.
        task.known_at = context_.clock.now().boot;
        if (task.policy.kind == SignalKind::outcomes) say(task, task.known_at, OutcomesValue{});
        return;
    }
    auto const now = context_.clock.now().boot;
    if (!task.unread_since) task.unread_since = status.since.value_or(now);
    if (now - *task.unread_since < trouble_after || status.text == task.told) return;
    task.told = status.text;
    trouble_(key, status.text);
    // Lines that are written from now on are newer; what was said of it before is older.
    auto const since = std::max(*task.unread_since, task.known_at + Duration(1));
    say(task, since, UnknownValue{status.text});
}

void Reader::say(Task const& task, Instant at, SampleValue value) {
    Sample sample;
    sample.service = task.service;
    sample.signal = task.policy.name;
    sample.at = at;
    sample.value = std::move(value);
    (void)decider_.ingest(std::span(&sample, 1));  // full: then nobody is short of reasons
}

asio::awaitable<void> Reader::stop() {
    for (auto const& [key, task] : tasks_) task->group.cancel();
    for (auto const& [key, task] : tasks_) co_await task->group.join();
}

Result<AlertCounts> Reader::take(AlertNotice const& notice, bool trusted) {
    auto const now = context_.clock.now();
    AlertCounts counts;
    for (auto const& alert : notice.alerts) {
        bool const meant = std::any_of(tasks_.begin(), tasks_.end(), [&](auto const& entry) {
            auto* const table = entry.second->source ? entry.second->source->alerts() : nullptr;
            return table != nullptr && table->means(alert);
        });
        ++(meant ? counts.matched : counts.unmatched);
    }
    for (auto const& [key, task] : tasks_) {
        auto* const table = task->source ? task->source->alerts() : nullptr;
        if (table == nullptr) continue;
        auto tried = *table;
        auto const samples = tried.take(notice, trusted, now);
        if (!samples) return tl::unexpected<Error>(samples.error());
        if (!samples->empty()) {
            auto const observed = decider_.ingest(*samples);
            if (!observed) return tl::unexpected<Error>(observed.error());
        }
        *table = std::move(tried);
        task->source->changed();
    }
    alerts_unmatched_ += counts.unmatched;
    return counts;
}

Json Reader::save() const {
    JsonObject out;
    // Also where nothing was read: the very first look is what tells old lines from new ones.
    for (auto const& [key, task] : tasks_) {
        out[key] = task->pending || !task->source ? task->offset : task->source->save();
    }
    return out;
}

void Reader::saved(Json const& offsets) {
    for (auto const& [key, task] : tasks_) {
        auto const* const offset = find(offsets, key);
        if (task->source && offset != nullptr) task->source->saved(*offset);
    }
}

std::vector<std::pair<std::string, SourceStatus>> Reader::status() const {
    std::vector<std::pair<std::string, SourceStatus>> out;
    for (auto const& [key, task] : tasks_) {
        if (task->source) out.emplace_back(key, task->source->status());
    }
    return out;
}

}  // namespace rollbackd
