#include "config/load.hpp"

#include "config/files.hpp"
#include "config/lint.hpp"
#include "config/reader.hpp"
#include "core/record.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

/// Answers whether the matrix was read whole, so that its rows may be judged.
bool read_root(PolicyReading const& reading, YamlCursor const& cursor) {
    MapReader map(cursor, keys::root());
    std::int64_t version = 0;
    if (read(map, "version", version) && version != 1) {
        map.take("version")->error(
            "version " + std::to_string(version) +
            " is not known here; this rollbackd reads "
            "version: 1"
        );
    }
    // Services inherit from the daemon, so its place in the file does not matter.
    if (auto const daemon = map.take("daemon")) read_daemon(reading, *daemon);
    if (auto const notify = map.take("notify")) read_channels(reading, *notify);
    if (auto const hosts = map.take("hosts")) read_hosts(reading, *hosts);
    auto const errors_before = cursor.sources().errors();
    if (auto const matrix = map.take("matrix")) {
        read_matrix(reading, *matrix);
    } else {
        reading.policy.matrix = default_matrix();
    }
    bool const matrix_is_whole = cursor.sources().errors() == errors_before;
    if (auto const services = map.take("services")) {
        for (auto const& [name, entry] : services->named("a service")) {
            read_service(reading, name, entry);
        }
    }
    map.finish();
    return matrix_is_whole;
}

void lint_all(Lint const& lint) {
    lint_names(lint);
    lint_daemon(lint);
    lint_timing(lint);
    lint_triggers(lint);
    lint_firewall(lint);
    lint_playbooks(lint);
}

LoadResult finish(Sources& sources, Catalogue const& catalogue, LoadOptions const& options) {
    auto policy = std::make_shared<Policy>();
    LoadResult result;
    try {
        if (auto const root = parse_files(sources)) {
            Places places;
            YamlCursor const cursor(root, {}, "", sources, places);
            bool const matrix_is_whole = read_root({catalogue, options, *policy, result}, cursor);
            lint_all({*policy, catalogue, places, sources, matrix_is_whole});
        } else if (sources.errors() == 0) {
            sources.report({0, 1, 1}, false, "empty: a policy begins with version: 1");
        }
    } catch (std::exception const& problem) {
        sources.report({0, 0, 0}, false, std::string("cannot be read: ") + problem.what());
    }
    result.problems = sources.problems();
    if (sources.errors() > 0) return result;
    policy->text = join_texts(sources);
    policy->hash = sha256_hex(policy->text);
    result.policy = std::move(policy);
    return result;
}

}  // namespace

LoadResult load_policy(
    std::string const& path, Catalogue const& catalogue, LoadOptions const& options
) {
    Sources sources;
    read_files(sources, path);
    return finish(sources, catalogue, options);
}

LoadResult parse_policy(
    std::string_view text, std::string const& name, Catalogue const& catalogue,
    LoadOptions const& options
) {
    Sources sources;
    split_texts(sources, text, name);
    return finish(sources, catalogue, options);
}

}  // namespace rollbackd
