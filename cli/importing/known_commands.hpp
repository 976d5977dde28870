// Which command of a runbook becomes which step. What is not in the table, or may lose data, is an
// instruction for a person. Pure.
#pragma once

#include "cli/importing/shell_words.hpp"

#include <optional>

namespace rollbackd::cli {

/// What was said on the lines above: the folder of the last `cd`.
struct Standing {
    std::string folder;
};

struct KnownCommand {
    enum class What {
        step,    // `yaml` is an entry of steps
        look,    // it only shows something: `yaml` is an argv, to be kept as evidence
        check,   // it says by its exit whether all is well: `yaml` is an argv
        folder,  // it only changes where the next ones stand
        wait,    // it only waits: what is waited for is verified instead
        person,  // a person does it; `why`
    };
    What what = What::person;
    std::string yaml;
    std::string why;   // for people, beside it
    std::string unit;  // of systemd
    std::string url;   // asked with GET
    bool takes_release_back = false;
};

KnownCommand know(Words words, Standing& standing);

/// As a YAML scalar that is text and nothing else: in quotation marks.
std::string yaml_text(std::string_view text);
std::string yaml_argv(Words const& words);

}  // namespace rollbackd::cli
