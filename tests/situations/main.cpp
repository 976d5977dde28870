// situations --seeds N [--from S]: reads one situation on standard input, plays it with each seed
// and prints what came of it: a line `outcome SEED {…}`, then its journal, a line `SEQ KIND AT BOOT
// {…}` for each record. scripts/situations judges them.
#include "config/catalogue.hpp"
#include "config/load.hpp"
#include "tests/situations/stage.hpp"

#include <iostream>
#include <iterator>

namespace {

using namespace rollbackd;
using namespace rollbackd::situations;

[[noreturn]] void give_up(std::string const& why) {
    std::cerr << "situations: " << why << '\n';
    std::exit(2);
}

Story read_story() {
    std::string const text{std::istreambuf_iterator<char>(std::cin), {}};
    auto const json = parse_json(text);
    if (!json) give_up(to_string(json.error()));
    auto story = read_json<Story>(*json);
    if (!story) give_up(to_string(story.error()));
    return std::move(*story);
}

std::shared_ptr<Policy const> read_policy(Story const& story) {
    LoadOptions options;
    options.look_at_files = false;
    auto result = parse_policy(story.policy, story.name, known_types(), options);
    for (auto const& problem : result.problems) {
        if (!result.ok()) std::cerr << to_string(problem) << '\n';
    }
    if (!result.ok()) give_up("its policy cannot be read");
    return result.policy;
}

void print(std::uint64_t seed, Outcome const& outcome) {
    std::cout << "outcome " << seed << ' ' << to_text(outcome.told) << '\n';
    for (auto const& record : outcome.journal) {
        std::cout << record.seq << ' ' << record.kind << ' ' << format_rfc3339(record.at) << ' '
                  << record.boot.time_since_epoch().count() << ' ' << record.body << '\n';
    }
}

}  // namespace

int main(int argc, char** argv) {
    std::uint64_t seeds = 1;
    std::uint64_t from = 1;
    for (int i = 1; i + 1 < argc; i += 2) {
        std::string const name = argv[i];
        if (name != "--seeds" && name != "--from")
            give_up("usage: situations [--seeds N] [--from S]");
        (name == "--seeds" ? seeds : from) = std::strtoull(argv[i + 1], nullptr, 10);
    }
    std::ios::sync_with_stdio(false);
    auto const story = read_story();
    auto const policy = read_policy(story);
    for (auto seed = from; seed < from + seeds; ++seed) print(seed, play(story, policy, seed));
    return 0;
}
