// A journal record as the API shows it: who, what, when, hash, and its body. Evidence, the policy's
// text and answers of other requests stay out of what the role read may see.
#pragma once

#include "engine/state.hpp"

namespace rollbackd::api {

/// `whole`: with the text of evidence and of the policy and the answers of requests, for the role
/// operate; only then does `hash` fit the body.
Json render_record(Record const& record, bool whole);

struct Subject {
    std::string service;
    std::string incident;
};
/// What a record is about, as far as its body or the state says.
Subject subject_of(Record const& record, State const& state);

}  // namespace rollbackd::api
