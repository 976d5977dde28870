// What a step's preflight can say against it, and whether a step that runs before it may take that
// away again. Called by whoever asks the steps of a plan before the first of them starts.
#pragma once

#include "actions/outcome.hpp"
#include "actions/playbook.hpp"

namespace rollbackd {

/// Kinds of things a step needs and another may bring.
struct Grounds {
    bool tools = false;     // a program that is installed
    bool files = false;     // a file, a folder, a commit: what stands on a disk
    bool space = false;     // room on a disk
    bool services = false;  // something that answers: a database, a container engine, a machine
    bool images = false;    // an image of a container engine

    friend bool operator==(Grounds const&, Grounds const&) = default;
};

/// Why a step could not work if it began now.
struct Objection {
    std::string text;  // for people: what is missing, and how to mend it
    /// What would have to come to be for it to work all the same. None: nothing that a run does.
    Grounds needs;
    /// The files it is about, of `needs.files`; empty: no file that has a name.
    std::vector<std::string> paths = {};
    /// Not found out (no time, killed, nobody there to ask): it says nothing against the step.
    bool unanswered = false;
};

/// What a step has found out about itself before it begins.
struct Look {
    std::optional<Objection> objection = {};  // none: nothing is known against it
    std::optional<BackupTime> as_of = {};     // of the backup it would restore
};

/// What a step may have brought once it has run.
struct Brings {
    Grounds grounds;
    std::vector<std::string> paths = {};  // of grounds.files: these, and what is in them
    bool anywhere = false;                // of grounds.files: any file there is
};

/// Whether what the step brings may take the objection against a later one away. `same_host`: both
/// are carried out on the same machine.
bool may_mend(Brings const& brings, Objection const& objection, bool same_host);

/// An engine's own: nobody is to be asked about it before.
bool is_for_hands(Step const& step);

}  // namespace rollbackd
