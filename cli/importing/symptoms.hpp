// A symptom as a decision table writes it ("5xx > 1 %", "certificate expires in 7 days") as a
// condition over signals, with the signals it needs. What is proposed is common, not looked up: a
// person reads it beside the line it came from. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace rollbackd::cli {

struct Symptom {
    std::string when;      // "value(disk) > 80%"
    std::string keys;      // of the trigger beside it: ", min_count: 100"; may be empty
    std::string signal;    // the name it reads: "disk"
    std::string source;    // what that is: "{ disk: { path: / }, every: 1m }"; empty: health
    std::string change;    // what a person must look at in it; may be empty
    bool pressing = true;  // nobody can use the service; else there is time
};

/// `url` is the service's, for what is asked over the network. Nothing: only a person notices it.
std::optional<Symptom> symptom_in(std::string_view text, std::string_view url);

}  // namespace rollbackd::cli
