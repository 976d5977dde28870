#include "config/field_secrets.hpp"

#include "core/names.hpp"

#include <sys/stat.h>
#include <unistd.h>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace rollbackd {

namespace {

/// A receiver on this machine is no secret worth a warning.
bool is_local_url(std::string const& value) {
    return value.starts_with("http://127.") || value.starts_with("http://localhost") ||
           value.starts_with("http://[::1]");
}

bool is_variable_char(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

bool is_variable(std::string_view name) {
    if (name.empty()) return false;
    for (char const c : name) {
        if (!is_variable_char(c)) return false;
    }
    return true;
}

}  // namespace

bool is_secret_file(Field const& field) {
    // ssh opens identity_file itself.
    return field.type == FieldType::path && field.name.ends_with("_file") &&
           field.name != "identity_file";
}

std::string secret_path_problem(std::string const& value) {
    if (value.starts_with('/') || value.starts_with("{{")) return "";
    bool const bare = !value.empty() && value.find('/') == std::string::npos;
    if (bare && value.find("${") == std::string::npos) return "";
    return " is no secret's file; write an absolute path, or the bare name of a systemd credential "
           "(LoadCredential=)";
}

void hide_secret(YamlCursor const& cursor, Field const& field, std::string const& value) {
    if (value.starts_with("${") && value.ends_with("}")) return;
    auto const& node = cursor.node();
    cursor.sources().hide(node.mark, node.text.size(), std::string(hidden_secret));
    if (is_local_url(value)) return;
    cursor.warn(
        field.name + " is a secret and stands in the file; keep it in a file of its own (" +
        field.name + "_file, where there is one) or in the environment: ${NAME}"
    );
}

void look_at_secret_file(YamlCursor const& cursor, std::string const& name, bool required) {
    auto const report = [&](bool warning, std::string what) {
        cursor.sources().report(cursor.mark(), warning, std::move(what));
    };
    auto path = name;
    if (!name.starts_with('/')) {
        auto const* const folder = std::getenv("CREDENTIALS_DIRECTORY");
        if (folder == nullptr) {
            // Only the daemon, started by systemd, has it.
            if (required)
                report(false, "systemd gave no credentials; add LoadCredential= for " + name);
            return;
        }
        path = std::string(folder) + "/" + name;
    }
    auto const shown = printable(path, 200);
    struct stat info{};
    if (stat(path.c_str(), &info) != 0 && errno == ENOENT) {
        return report(!required, "there is no file " + shown);
    }
    if (access(path.c_str(), R_OK) != 0) {
        return report(
            !required, "the file " + shown + " cannot be read by this user: " + std::strerror(errno)
        );
    }
    if (S_ISDIR(info.st_mode)) return report(!required, shown + " is a directory, not a file");
    if ((info.st_mode & S_IROTH) != 0) {
        report(
            true, "the file " + shown +
                      " can be read by every user of this machine, and what it holds is secret; "
                      "chmod o= " +
                      shown
        );
    }
}

void look_at_environment(
    YamlCursor const& cursor, std::string const& text, std::set<std::string>& variables
) {
    for (auto at = text.find("${"); at != std::string::npos; at = text.find("${", at + 2)) {
        auto const end = text.find('}', at);
        if (end == std::string::npos) return;
        auto const name = text.substr(at + 2, end - at - 2);
        auto const shown = "${" + printable(name, 80) + "}";
        if (!is_variable(name)) {
            cursor.error_at(at, shown + " names no variable of the environment; write ${NAME}");
            continue;
        }
        variables.insert(name);
        if (std::getenv(name.c_str()) == nullptr) {
            // A daemon that does not start for one playbook's token protects nothing at all.
            cursor.warn_at(
                at, shown +
                        " is not set here, and what needs it will fail; the daemon gets it "
                        "from its unit (Environment= or EnvironmentFile=)"
            );
        }
    }
}

}  // namespace rollbackd
