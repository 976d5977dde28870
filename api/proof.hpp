// The samples and arithmetic behind a verdict, as people read them: the engine's proof holds
// instants of one boot; here they become times of day, so that somebody else can recompute it.
#pragma once

#include "core/json.hpp"

namespace rollbackd::api {

/// An Evaluation's proof with its instants as RFC 3339; `anchor` is any moment of that boot.
Json render_proof(Json const& proof, Now const& anchor);

/// One thing a rendered proof says: a reading ("failure_ratio(requests, 5m)", "4 of 100, …") or a
/// sample ("2026-01-31T12:00:00Z", "ok false, reason refused").
struct ProofLine {
    std::string signal;
    std::string subject;
    std::string text;

    friend bool operator==(ProofLine const&, ProofLine const&) = default;
};
/// Samples in a row that say the same of the same moment are one line: "success 1 (9 of them)".
std::vector<ProofLine> proof_lines(Json const& rendered);

}  // namespace rollbackd::api
