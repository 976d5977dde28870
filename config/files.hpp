// The files of a policy: found, read and bounded, and put together into one tree.
#pragma once

#include "config/yaml_tree.hpp"

namespace rollbackd {

/// Reads `path` and conf.d/*.yaml beside it, in order of name. What cannot be read is reported.
void read_files(Sources& sources, std::string const& path);

/// Takes one text apart where it was made of several files (join_texts).
void split_texts(Sources& sources, std::string_view text, std::string const& name);

/// Every file's text without secrets: as it is for one file, else each after a line with its name.
std::string join_texts(Sources const& sources);

/// Parses every file and puts the trees together: services, notify, hosts and tokens may be spread
/// over files; any other key twice stays twice and is reported by the reader. Null: nothing there.
YamlRef parse_files(Sources& sources);

}  // namespace rollbackd
