#include "actions/steps/iptables_rules.hpp"

#include "actions/steps/firewall_text.hpp"

#include <algorithm>

namespace rollbackd {

namespace {

constexpr std::size_t depth_max = 16;
constexpr std::size_t looks_max = 20'000;

struct Rule {
    std::string chain;
    std::string target;
    std::string text;
    bool may_match = true;  // a new connection to the port from somewhere outside
    bool is_sure = true;    // every such connection
    std::string from;       // the one network it is limited to
};

/// Words as iptables prints them; a quoted one is one.
std::vector<std::string> words_of(std::string_view line) {
    std::vector<std::string> words;
    std::string word;
    bool quoted = false;
    for (std::size_t i = 0; i < line.size(); ++i) {
        char const c = line[i];
        if (quoted && c == '\\' && i + 1 < line.size()) {
            word += line[++i];
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == ' ' && !quoted) {
            if (!word.empty()) words.push_back(std::move(word));
            word.clear();
        } else {
            word += c;
        }
    }
    if (!word.empty()) words.push_back(std::move(word));
    return words;
}

bool has_part(std::string_view list, std::string_view part) {
    while (!list.empty()) {
        auto const comma = list.find(',');
        if (list.substr(0, comma) == part) return true;
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return false;
}

/// Whether "80", "8000:8010" or "80,443,8000:8010" names the port; nullopt: cannot be read.
std::optional<bool> names_port(std::string_view list, std::uint16_t port) {
    bool found = false;
    while (!list.empty()) {
        auto const comma = list.find(',');
        auto const item = list.substr(0, comma);
        auto const colon = item.find(':');
        auto const first = port_of(item.substr(0, colon));
        auto const last = colon == std::string_view::npos ? first : port_of(item.substr(colon + 1));
        if (!first || !last) return std::nullopt;
        found = found || (*first <= port && port <= *last);
        list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    }
    return found;
}

class Reading {
public:
    Reading(std::uint16_t port, std::string_view protocol) : port_(port), protocol_(protocol) {}

    std::optional<Rule> read(std::string_view line) const {
        auto const words = words_of(line);
        if (words.size() < 2 || words[0] != "-A") return std::nullopt;
        Rule rule;
        rule.chain = words[1];
        rule.text = line;
        bool negated = false;
        for (std::size_t i = 2; i < words.size(); ++i) {
            if (words[i] == "!") {
                negated = true;
                continue;
            }
            bool const named = i + 1 < words.size();
            if ((words[i] == "-j" || words[i] == "-g") && named) {
                rule.target = words[i + 1];
                break;  // what follows are the target's own options
            }
            if (words[i] == "-m" && named) {
                ++i;
                continue;
            }
            auto const option = words[i];
            std::string value;
            if (named && !words[i + 1].starts_with('-') && words[i + 1] != "!") value = words[++i];
            look(rule, option, value, negated);
            negated = false;
        }
        return rule;
    }

private:
    void look(Rule& rule, std::string const& option, std::string const& value, bool negated) const {
        if (negated) {
            rule.is_sure = false;
        } else if (option == "-p") {
            if (value != protocol_ && value != "all") rule.may_match = false;
        } else if (option == "-i") {
            if (value == "lo") rule.may_match = false;
            rule.is_sure = false;
        } else if (option == "--dport" || option == "--dports") {
            auto const named = names_port(value, port_);
            if (named == false) rule.may_match = false;
            if (!named) rule.is_sure = false;
        } else if (option == "--ctstate" || option == "--state") {
            if (!has_part(value, "NEW")) rule.may_match = false;
        } else if (option == "-s") {
            rule.from = network_of(value).value_or(value);
            rule.is_sure = false;
        } else if (option != "--comment") {
            rule.is_sure = false;  // a limit, a set, a destination: may hold or not
        }
    }

    std::uint16_t port_;
    std::string_view protocol_;
};

class Walk {
public:
    Walk(std::vector<Rule> const& rules, std::vector<std::string> const& known)
        : rules_(rules), known_(known) {}

    PortVerdict verdict() {
        (void)chain("INPUT", true, 0);
        return std::move(verdict_);
    }

private:
    /// True: nothing comes out of the chain's other end.
    bool chain(std::string const& name, bool is_sure, std::size_t depth) {
        if (depth > depth_max) return false;
        for (auto const& rule : rules_) {
            if (++looks_ > looks_max) return false;
            if (rule.chain != name || !rule.may_match) continue;
            if (rule.target == "ACCEPT") {
                bool const meant =
                    std::find(known_.begin(), known_.end(), rule.from) != known_.end();
                if (!meant) verdict_.before.push_back(rule.text);
                if (is_sure && rule.is_sure) return true;
            } else if (rule.target == "DROP" || rule.target == "REJECT") {
                verdict_.dropped = verdict_.dropped || (is_sure && rule.is_sure);
                if (verdict_.dropped) return true;
            } else if (rule.target == "RETURN") {
                if (rule.is_sure) return false;
                is_sure = false;  // some never see what follows in this chain
            } else if (!rule.target.empty()) {
                if (chain(rule.target, is_sure && rule.is_sure, depth + 1)) return true;
            }
        }
        return false;
    }

    std::vector<Rule> const& rules_;
    std::vector<std::string> const& known_;
    PortVerdict verdict_;
    std::size_t looks_ = 0;
};

}  // namespace

PortVerdict judge_port(
    std::string_view rules, std::uint16_t port, std::string_view protocol,
    std::vector<std::string> const& known
) {
    Reading const reading(port, protocol);
    std::vector<Rule> read;
    while (!rules.empty()) {
        auto const end = rules.find('\n');
        if (auto rule = reading.read(rules.substr(0, end))) read.push_back(std::move(*rule));
        rules.remove_prefix(end == std::string_view::npos ? rules.size() : end + 1);
    }
    return Walk(read, known).verdict();
}

}  // namespace rollbackd
