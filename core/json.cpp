#include "core/json.hpp"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/stream_parser.hpp>
#include <charconv>
#include <stdexcept>

namespace rollbackd {

namespace {

constexpr std::size_t nesting_max = 32;

void append_pretty(std::string& out, Json const& value, std::size_t depth) {
    std::string const indent(2 * (depth + 1), ' ');
    std::string const outer(2 * depth, ' ');
    if (auto const* const object = value.if_object(); object != nullptr && !object->empty()) {
        out += "{\n";
        bool first = true;
        for (auto const& [key, item] : *object) {
            out += first ? "" : ",\n";
            first = false;
            out += indent + boost::json::serialize(key) + ": ";
            append_pretty(out, item, depth + 1);
        }
        out += "\n" + outer + "}";
    } else if (auto const* const array = value.if_array(); array != nullptr && !array->empty()) {
        out += "[\n";
        bool first = true;
        for (auto const& item : *array) {
            out += first ? "" : ",\n";
            first = false;
            out += indent;
            append_pretty(out, item, depth + 1);
        }
        out += "\n" + outer + "]";
    } else {
        out += boost::json::serialize(value);
    }
}

}  // namespace

Result<Json> parse_json(std::string_view text) {
    boost::json::parse_options options;
    options.max_depth = nesting_max;
    boost::json::stream_parser parser({}, options);
    boost::system::error_code code;
    std::size_t const read = parser.write_some(text.data(), text.size(), code);
    if (!code && read < text.size()) code = boost::json::error::extra_data;
    if (!code) parser.finish(code);
    if (code) {
        return fail(
            Errc::invalid, "not JSON: " + code.message() + " at byte " + std::to_string(read)
        );
    }
    return parser.release();
}

std::string to_text(Json const& value) { return boost::json::serialize(value); }

std::string to_pretty_text(Json const& value) {
    std::string out;
    append_pretty(out, value, 0);
    return out;
}

Json const* find(Json const& value, std::string_view key) {
    auto const* const object = value.if_object();
    return object == nullptr ? nullptr : object->if_contains(key);
}

std::string text_of(Json const& value, std::string_view key, std::string_view otherwise) {
    auto const* const member = find(value, key);
    if (member == nullptr || !member->is_string()) return std::string(otherwise);
    return std::string(member->get_string());
}

Json const* find_pointer(Json const& value, std::string_view pointer) {
    boost::system::error_code code;
    return value.find_pointer(pointer, code);
}

namespace json_detail {

void wrong_type(std::string_view expected) {
    throw std::invalid_argument("expected " + std::string(expected));
}

double as_double(Json const& json) {
    if (!json.is_number()) wrong_type("a number");
    return json.to_number<double>();
}

std::int64_t as_int(Json const& json) {
    boost::system::error_code code;
    auto const value = json.to_number<std::int64_t>(code);
    if (code) wrong_type("a whole number");
    return value;
}

std::uint64_t as_uint(Json const& json) {
    boost::system::error_code code;
    auto const value = json.to_number<std::uint64_t>(code);
    if (code) wrong_type("a whole number of at least 0");
    return value;
}

std::string as_string(Json const& json) {
    if (!json.is_string()) wrong_type("a string");
    return std::string(json.get_string());
}

bool as_bool(Json const& json) {
    if (!json.is_bool()) wrong_type("true or false");
    return json.get_bool();
}

void rethrow_at(std::string_view member) {
    try {
        throw;
    } catch (std::exception const& problem) {
        std::string_view const what = problem.what();
        bool const nested = what.substr(0, 9) != "expected ";
        throw std::invalid_argument(
            std::string(member) + (nested ? "." : ": ") + std::string(what)
        );
    }
}

}  // namespace json_detail

}  // namespace rollbackd
