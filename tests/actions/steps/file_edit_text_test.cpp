#include "actions/steps/file_edit_text.hpp"

#include "tests/catch.hpp"

using namespace rollbackd;

namespace {

struct Row {
    char const* before;
    char const* value;
    char const* after;
};

}  // namespace

TEST_CASE("a key's value is replaced and every other byte stays") {
    for (auto const& [before, value, after] : std::initializer_list<Row>{
             {"K=old\n", "new", "K=new\n"},
             {"A=1\nK=old\nB=2\n", "new", "A=1\nK=new\nB=2\n"},
             {"# K=x\n#K=y\nK=old\n", "new", "# K=x\n#K=y\nK=new\n"},
             {"export K=old\n", "new", "export K=new\n"},
             {"  export\tK = old\n", "new", "  export\tK = new\n"},
             {"K=old # why\n", "new", "K=new # why\n"},
             {"K=old\t #why\n", "new", "K=new\t #why\n"},
             {"K=a#b\n", "new", "K=new\n"},
             {"K=\n", "new", "K=new\n"},
             {"K=   # none\n", "new", "K=new   # none\n"},
             {"K=old", "new", "K=new"},
             {"K=old\r\nB=1\r\n", "new", "K=new\r\nB=1\r\n"},
             {"K=old  \n", "new", "K=new  \n"},
             {"K=old\n", "", "K=\n"},
             {"K=1\nK=2\n", "3", "K=1\nK=3\n"},
             {"KK=1\nAK=2\nK=3\nK.X=4\n", "5", "KK=1\nAK=2\nK=5\nK.X=4\n"},
             {"exported=1\nK=2\n", "3", "exported=1\nK=3\n"},
         }) {
        CAPTURE(before, value);
        auto const edited = set_env_key(before, "K", value);
        REQUIRE(edited);
        CHECK(edited->text == after);
        CHECK(edited->changed);
    }
}

TEST_CASE("quotes are kept, and added where the value needs them") {
    for (auto const& [before, value, after] : std::initializer_list<Row>{
             {"K=\"old\" # c\n", "new", "K=\"new\" # c\n"},
             {"K='old' # c\n", "new", "K='new' # c\n"},
             {"K=\"a # b\"\n", "new", "K=\"new\"\n"},
             {"K=\"a \\\" b\" # c\n", "new", "K=\"new\" # c\n"},
             {"K=''\n", "new", "K='new'\n"},
             {"K=old\n", "two words", "K=\"two words\"\n"},
             {"K=old\n", "a#b", "K=\"a#b\"\n"},
             {"K=old\n", "p$x", "K='p$x'\n"},
             {"K=\"old\"\n", "p$x", "K='p$x'\n"},
             {"K='old'\n", "it's", "K=\"it's\"\n"},
             {"K='old'\n", "it's $5", "K=\"it's \\$5\"\n"},
             {"K=old\n", "http://a.example.com:80/x?y", "K=\"http://a.example.com:80/x?y\"\n"},
             {"K=old\n", "http://a.example.com:80/x", "K=http://a.example.com:80/x\n"},
         }) {
        CAPTURE(before, value);
        auto const edited = set_env_key(before, "K", value);
        REQUIRE(edited);
        CHECK(edited->text == after);
    }
}

TEST_CASE("what is written is read back as the same value, whatever it holds") {
    for (auto const* before : {"K=old\n", "K='old' # c\n", "K=\"old\"\n", "", "A=1"}) {
        for (auto const* value :
             {"", "x", "a b", "$HOME", "`id`", "it's", "\"q\"", "\\", "a\\nb", "it's \"$x\" `y` \\",
              "#no", "=", "-", "\xc3\xa9"}) {
            CAPTURE(before, value);
            auto const once = set_env_key(before, "K", value);
            REQUIRE(once);
            auto const twice = set_env_key(once->text, "K", value);
            REQUIRE(twice);
            CHECK_FALSE(twice->changed);
            CHECK(twice->text == once->text);
        }
    }
}

TEST_CASE("a key that is not there is appended in the manner of the file") {
    CHECK(set_env_key("", "K", "v")->text == "K=v\n");
    CHECK(set_env_key("A=1", "K", "v")->text == "A=1\nK=v\n");
    CHECK(set_env_key("A=1\r\n", "K", "v")->text == "A=1\r\nK=v\r\n");
    CHECK(set_env_key("export A=1\n# c\n", "K", "v")->text == "export A=1\n# c\nexport K=v\n");
    CHECK(set_env_key("export A=1\nB=2\n", "K", "v")->text == "export A=1\nB=2\nK=v\n");
}

TEST_CASE("nothing changes where the key already has the value") {
    for (auto const* text : {"K=v\n", "K='v'  # c\n", "export K=\"v\"", "K=x\nK=v\n"}) {
        CAPTURE(text);
        auto const edited = set_env_key(text, "K", "v");
        REQUIRE(edited);
        CHECK_FALSE(edited->changed);
        CHECK(edited->text == text);
    }
}

TEST_CASE("a value or key that would break the file is refused") {
    CHECK_FALSE(set_env_key("K=1\n", "K", "a\nEVIL=1"));
    CHECK_FALSE(set_env_key("K=1\n", "K", "a\rb"));
    CHECK_FALSE(set_env_key("K=1\n", "K", std::string_view("a\0b", 3)));
    for (auto const* key : {"", "A B", "A=B", "#A", "-A", "A\nB"}) {
        CAPTURE(key);
        CHECK_FALSE(set_env_key("K=1\n", key, "v"));
    }
    CHECK_FALSE(set_env_key("K=\"two\nlines\"\n", "K", "v"));
}

TEST_CASE("one line is replaced, exactly or by how it begins") {
    auto const text = "listen 80;\nroot /a;\nroot /ab;\r\nlast";
    CHECK(
        replace_line(text, "root /a;", false, "root /b;")->text ==
        "listen 80;\nroot /b;\nroot /ab;\r\nlast"
    );
    CHECK(
        replace_line(text, "root /ab", true, "root /b;")->text ==
        "listen 80;\nroot /a;\nroot /b;\r\nlast"
    );
    CHECK(
        replace_line(text, "last", false, "first")->text ==
        "listen 80;\nroot /a;\nroot /ab;\r\nfirst"
    );
    CHECK_FALSE(replace_line(text, "listen 80;", false, "listen 80;")->changed);
}

TEST_CASE("a line that is not there, or there twice, is an error; one already replaced is not") {
    CHECK(replace_line("a\nb\n", "x", false, "y").error().code == Errc::not_found);
    CHECK_FALSE(replace_line("a\ny\n", "x", false, "y")->changed);
    auto const twice = replace_line("ab\nx\nac\n", "a", true, "y");
    REQUIRE_FALSE(twice);
    CHECK(twice.error().what.find("1, 3") != std::string::npos);
    CHECK_FALSE(replace_line("a\n", "a", false, "b\nc"));
}
