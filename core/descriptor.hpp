// What a signal, step or notifier type says about itself: its typed fields. Configuration checks,
// the JSON schema, the reference documentation and dry runs all come from this one description.
#pragma once

#include "core/json.hpp"

#include <functional>

namespace rollbackd {

enum class FieldType {
    text,  // a string (numbers and booleans written plainly are taken as their text)
    path,  // an absolute file name
    url,
    integer,
    number,
    boolean,
    duration,  // becomes nanoseconds (integer) in the params
    size,      // "10MB"; becomes bytes
    argv,      // a list of strings, never a shell line
    text_list,
    argv_list,  // a list of argv
    text_map,
    any_map,    // keys free, scalar values keep their YAML type (expect.json)
    choice,     // one of `choices`
    condition,  // the condition language, over the service's signals; stays text in the params
    object,     // nested `fields`
    status,     // 200, "2xx", or a list of those
};
BOOST_DESCRIBE_ENUM(
    FieldType, text, path, url, integer, number, boolean, duration, size, argv, text_list,
    argv_list, text_map, any_map, choice, condition, object, status
)

struct Field {
    std::string name;
    FieldType type = FieldType::text;
    std::string doc;  // one sentence
    bool required = false;
    bool secret = false;   // its value never appears in journal, log, answer or report
    bool literal = false;  // the text of a program (SQL): no {{ name }} and no ${NAME} in it
    Json otherwise{};      // default; null: none
    std::optional<double> min{};
    std::optional<double> max{};
    std::vector<std::string> choices{};
    std::vector<Field> fields{};               // of an object
    std::vector<std::string> later_choices{};  // of DESIGN A2, not in this version yet: refused so
};

/// One type of signal, step or notifier as configuration sees it.
struct TypeInfo {
    std::string name;  // the YAML key: http, git_checkout, webhook
    std::string doc;
    std::vector<Field> fields;
    /// Of alternatives like key | line exactly one must be present.
    std::vector<std::vector<std::string>> one_of;

    // Signals only.
    std::string kind;       // state, outcomes, gauge or text; empty: the params say (push, sql)
    bool is_probe = false;  // asked every `every`; otherwise samples arrive by themselves

    // Steps only.
    bool destructive = false;   // may lose data or evidence: asks first, evidence before it
    bool idempotent = false;    // running it twice equals running it once
    bool edits = false;         // changes code or configuration on disk
    bool restarts = false;      // restarts a process without rebuilding it
    bool evidence = false;      // captures evidence
    bool restores = false;      // brings a backup back, and says of what moment that is
    bool runs_process = false;  // carried out by a supervised child process
    /// Whether these params make a step destructive that is not always so. None: never.
    bool (*destroys)(JsonObject const& params) = nullptr;
    /// What is wrong with the params beyond their types; `where` of an Error names the field.
    std::vector<Error> (*problems)(JsonObject const& params) = nullptr;
};

/// What a signal is where its type alone does not say it: the rows of a query are outcomes or one
/// number, a stream brings its samples by itself and a list is asked for its length.
struct SignalNature {
    std::string kind;  // as in TypeInfo
    bool is_probe = false;

    friend bool operator==(SignalNature const&, SignalNature const&) = default;
};

/// Every type the program knows, handed down to configuration by the floors that implement them.
struct Catalogue {
    std::vector<TypeInfo> signals;
    std::vector<TypeInfo> steps;
    std::vector<TypeInfo> notifiers;
    /// What release.version and release.schema may be read from.
    std::vector<TypeInfo> release_versions;
    std::vector<TypeInfo> release_schemas;
    /// Types of DESIGN A2 that this version does not have yet, by name: refused with a sentence.
    std::vector<std::string> later_signals;
    std::vector<std::string> later_steps;
    std::vector<std::string> later_notifiers;
    /// What a signal's type knows beyond its fields, about its params; `where` of an Error names
    /// the field. Unset: not asked.
    std::function<std::vector<Error>(std::string const& type, JsonObject const& params)>
        check_signal;
    /// Of types whose `kind` is empty: by their params. Unset or none: params say `kind`.
    std::function<std::optional<SignalNature>(std::string const& type, JsonObject const& params)>
        signal_nature;
};

}  // namespace rollbackd
