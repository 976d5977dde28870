// simulation --seeds N [--from S] | --seed S: runs seeds, prints what broke; exit 1 where something
// did. scripts/simulate builds it and shares the seeds out.
#include "tests/simulation/simulation.hpp"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <atomic>
#include <chrono>
#include <limits>

namespace {

using namespace rollbackd;
using namespace rollbackd::simulation;

constexpr std::uint64_t jobs_max = 64;
constexpr std::uint64_t done = std::numeric_limits<std::uint64_t>::max();

struct Options {
    std::uint64_t from = 1;
    std::uint64_t seeds = 100;
    bool one = false;
    std::uint64_t jobs = 1;
    Shares shares{0.6, 0.25};
    std::uint64_t failures_max = 10;
    std::uint64_t twice_every = 50;  // a replay must give the same journal
};

std::uint64_t number_after(int argc, char** argv, int at) {
    if (at + 1 < argc) return std::strtoull(argv[at + 1], nullptr, 10);
    std::fprintf(stderr, "%s needs a number\n", argv[at]);
    std::exit(2);
}

Options options_of(int argc, char** argv) {
    Options out;
    for (int i = 1; i < argc; i += 2) {
        std::string const name = argv[i];
        auto const value = number_after(argc, argv, i);
        if (name == "--seeds") {
            out.seeds = value;
        } else if (name == "--from") {
            out.from = value;
        } else if (name == "--seed") {
            out.from = value;
            out.seeds = 1;
            out.one = true;
        } else if (name == "--further") {
            out.shares.further = double(value) / 100;
        } else if (name == "--shared") {
            out.shares.shared = double(value) / 100;
        } else if (name == "--jobs") {
            out.jobs = std::clamp<std::uint64_t>(value, 1, jobs_max);
        } else if (name == "--failures") {
            out.failures_max = value;
        } else {
            std::fprintf(
                stderr,
                "usage: simulation [--seeds N] [--from S] [--seed S] [--jobs J] [--further PERCENT]"
                " [--shared PERCENT] [--failures N]\n"
            );
            std::exit(2);
        }
    }
    return out;
}

/// What the workers have done so far; they are processes, so that one that ends loses nothing.
struct Shared {
    std::atomic<std::uint64_t> incidents, runs, records, crashes, reboots, checks, seconds,
        failures, taken_over;
    std::atomic<std::uint64_t> seeds;
    std::atomic<std::uint64_t> next[jobs_max];  // seed of each; done: it has ended well
};

Shared* share() {
    auto* const memory =
        ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ensure(memory != MAP_FAILED, "there is memory for the figures");
    return new (memory) Shared{};
}

void add(Shared& sum, Report const& one) {
    ++sum.seeds;
    sum.incidents += one.incidents;
    sum.runs += one.runs;
    sum.records += one.records;
    sum.crashes += one.crashes;
    sum.reboots += one.reboots;
    sum.taken_over += one.taken_over;
    sum.checks += one.checks;
    sum.seconds += std::uint64_t(one.lasted / std::chrono::seconds(1));
}

void run_seeds(Options const& options, Shared& shared, std::uint64_t job) {
    std::function<void(std::string const&)> teller;
    if (options.one) teller = [](std::string const& line) { std::puts(line.c_str()); };
    auto const end = options.from + options.seeds;
    if (shared.next[job] == 0) shared.next[job] = options.from + job;
    while (shared.next[job] < end && shared.failures < options.failures_max) {
        auto const seed = shared.next[job].load();
        shared.next[job] = seed + options.jobs;
        auto report = simulate(seed, options.shares, teller);
        if (seed % options.twice_every == 0 && report.broken.empty()) {
            auto const again = simulate(seed, options.shares);
            if (again.hash != report.hash) report.broken = "a replay gave another journal";
        }
        add(shared, report);
        if (report.broken.empty()) continue;
        ++shared.failures;
        std::printf("FAILED seed %llu: %s\n", (unsigned long long)seed, report.broken.c_str());
    }
    shared.next[job] = done;
}

pid_t work(Options const& options, Shared& shared, std::uint64_t job) {
    std::fflush(stdout);
    auto const child = ::fork();
    if (child != 0) return child;
    run_seeds(options, shared, job);
    std::fflush(stdout);
    ::_exit(0);
}

void print(Options const& options, Shared const& sum, double took) {
    auto const line = [](char const* name, std::uint64_t value) {
        std::printf("%s %llu  ", name, (unsigned long long)value);
    };
    line("seeds", sum.seeds);
    line("incidents", sum.incidents);
    line("runs", sum.runs);
    line("records", sum.records);
    line("crashes", sum.crashes);
    line("reboots", sum.reboots);
    line("taken_over", sum.taken_over);
    line("checks", sum.checks);
    line("hours", sum.seconds / 3600);
    std::printf(
        "in %.1f s on %llu jobs, %.0f incidents a second, %llu failed\n", took,
        (unsigned long long)options.jobs, double(sum.incidents) / took,
        (unsigned long long)sum.failures
    );
}

}  // namespace

int main(int argc, char** argv) {
    auto const options = options_of(argc, argv);
    std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
    auto const began = std::chrono::steady_clock::now();
    auto* const shared = share();
    std::vector<pid_t> workers;
    for (std::uint64_t job = 0; job < options.jobs; ++job) workers.push_back(0);
    for (std::uint64_t job = 0; job < options.jobs; ++job)
        workers[job] = work(options, *shared, job);
    bool left = true;
    while (left) {
        int status = 0;
        auto const ended = ::wait(&status);
        if (ended < 0) break;
        left = false;
        for (std::uint64_t job = 0; job < options.jobs; ++job) {
            if (workers[job] == ended) workers[job] = 0;
            bool const died = workers[job] == 0 && shared->next[job] != done;
            if (died) {
                // A broken invariant ended the process: its seed has failed, the others go on.
                std::printf(
                    "FAILED seed %llu: the process ended\n",
                    (unsigned long long)(shared->next[job] - options.jobs)
                );
                ++shared->failures;
                workers[job] = options.one ? 0 : work(options, *shared, job);
            }
            left = left || workers[job] != 0;
        }
    }
    std::chrono::duration<double> const took = std::chrono::steady_clock::now() - began;
    print(options, *shared, took.count());
    return shared->failures == 0 ? 0 : 1;
}
