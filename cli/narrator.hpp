// Tells journal records in plain words, one line each, as `watch` prints them. It remembers the
// names of the runs and incidents it has heard of, because later records carry only their ids.
// Pure but for that memory.
#pragma once

#include "core/json.hpp"

namespace rollbackd::cli {

class Narrator {
public:
    /// Empty where the record is not worth a person's line (bookkeeping between two others).
    /// Versions that are full hashes are shown in short.
    std::string tell(std::string_view kind, Json const& body);

    static constexpr std::size_t names_max = 1000;

private:
    std::optional<std::string> tell_service(std::string_view kind, Json const& body) const;
    std::optional<std::string> tell_incident(std::string_view kind, Json const& body);
    std::optional<std::string> tell_run(std::string_view kind, Json const& body);
    std::string opened_line(Json const& opened);
    std::string incident(std::string const& id) const;  // "INC-7 (shop)"
    std::string run(std::string const& id) const;       // "RUN-9 code-rollback (INC-7)"
    std::string step(std::string const& run, std::int64_t n) const;
    void remember_run(Json const& run);
    void remember_versions(Json const& body);

    struct KnownRun {
        std::string title;
        std::vector<std::string> steps;
    };
    std::map<std::string, std::string> services_;  // by incident
    std::map<std::string, KnownRun> runs_;
    std::vector<std::string> versions_;  // full hashes, as long as they are shown in short
};

}  // namespace rollbackd::cli
