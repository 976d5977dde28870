#include "cli/importing/shell_words.hpp"

namespace rollbackd::cli {

namespace {

/// Takes a line apart; `problem` says why it cannot.
class Splitter {
public:
    explicit Splitter(std::string_view line) : line_(line) {}

    Result<std::vector<Words>> split() {
        while (at_ < line_.size() && problem_.empty() && !over_) step();
        end_word();
        end_command();
        if (quote_ != 0) problem_ = "a quotation mark is not closed";
        if (!problem_.empty()) return fail(Errc::invalid, problem_);
        return std::move(commands_);
    }

private:
    void step() {
        char const c = line_[at_++];
        if (quote_ != 0) {
            inside(c);
        } else if (c == '\'' || c == '"') {
            quote_ = c;
            in_word_ = true;
        } else if (c == ' ' || c == '\t') {
            end_word();
        } else if (c == '#' && !in_word_) {
            over_ = true;
        } else if (c == '&' && at_ < line_.size() && line_[at_] == '&') {
            ++at_;
            end_word();
            end_command();
        } else if (c == ';') {
            problem_ = "what follows ; runs although the first has failed";
        } else {
            outside(c);
        }
    }

    void inside(char c) {
        if (c == quote_) {
            quote_ = 0;
        } else if (quote_ == '"' && (c == '$' || c == '`' || c == '\\')) {
            problem_ = "the shell would replace something in it";
        } else {
            add(c);
        }
    }

    void outside(char c) {
        if (c == '|') problem_ = "it is a pipe";
        if (c == '<' || c == '>') problem_ = "it redirects, or has a placeholder";
        if (c == '$' || c == '`' || c == '\\') problem_ = "the shell would replace something in it";
        if (c == '*' || c == '?' || c == '[' || c == '~' || c == '{') {
            problem_ = "it has a pattern or a placeholder";
        }
        if (c == '&' || c == '(' || c == ')' || c == '!') problem_ = "it needs a shell";
        add(c);
    }

    void add(char c) {
        word_.push_back(c);
        in_word_ = true;
    }

    void end_word() {
        if (in_word_) words_.push_back(std::move(word_));
        word_.clear();
        in_word_ = false;
    }

    void end_command() {
        if (!words_.empty()) commands_.push_back(std::move(words_));
        words_.clear();
    }

    std::string_view line_;
    std::size_t at_ = 0;
    char quote_ = 0;
    bool in_word_ = false;
    bool over_ = false;
    std::string problem_;
    std::string word_;
    Words words_;
    std::vector<Words> commands_;
};

}  // namespace

Result<std::vector<Words>> plain_commands(std::string_view line) {
    if (line.starts_with("$ ")) line.remove_prefix(2);
    return Splitter(line).split();
}

}  // namespace rollbackd::cli
