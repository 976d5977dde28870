#include "core/io/secrets.hpp"

#include "tests/catch.hpp"
#include "tests/core/io/support/temp_folder.hpp"

#include <cstdlib>

using namespace rollbackd;
using rollbackd::testing::TempFolder;

TEST_CASE("references are filled in from the environment and become secret") {
    ::setenv("RB_TEST_TOKEN", "s3cr3t-token", 1);
    Secrets secrets;
    CHECK(secrets.expand("Bearer ${RB_TEST_TOKEN}!") == "Bearer s3cr3t-token!");
    CHECK(secrets.expand("plain $5 {x}") == "plain $5 {x}");
    CHECK(secrets.redact("sent s3cr3t-token twice s3cr3t-token") == "sent [secret] twice [secret]");
    ::unsetenv("RB_TEST_TOKEN");
    auto const unset = secrets.expand("${RB_TEST_TOKEN}");
    REQUIRE_FALSE(unset);
    CHECK(unset.error().what.find("RB_TEST_TOKEN") != std::string::npos);
    CHECK(Secrets::has_reference("a ${B} c"));
    CHECK_FALSE(Secrets::has_reference("a ${B c"));
}

TEST_CASE("a secret file loses its last newline only, and a bare name is a systemd credential") {
    TempFolder const folder;
    Secrets secrets;
    CHECK(secrets.from_file(folder.write("a", "pass word\n\n")) == "pass word\n");
    CHECK(secrets.from_file(folder.write("b", "pass word\r\n")) == "pass word");
    ::unsetenv("CREDENTIALS_DIRECTORY");
    CHECK(secrets.from_file("a").error().code == Errc::not_found);
    ::setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1);
    CHECK(secrets.from_file("b") == "pass word");
    ::unsetenv("CREDENTIALS_DIRECTORY");
    CHECK(secrets.from_file(folder.path("none")).error().where == folder.path("none"));
    auto const large = folder.write("large", std::string(Secrets::file_bytes_max + 1, 'x'));
    CHECK(secrets.from_file(large).error().code == Errc::too_large);
}

TEST_CASE("a parameter is taken from its value or from its file") {
    TempFolder const folder;
    Secrets secrets;
    JsonObject params;
    CHECK(secrets.text(params, "url").error().code == Errc::not_found);
    params["url_file"] = folder.write("url", "https://hooks.example.com/abc\n");
    CHECK(secrets.text(params, "url") == "https://hooks.example.com/abc");
    params["url"] = "https://example.com";
    CHECK(secrets.text(params, "url") == "https://example.com");
}

TEST_CASE("redaction finds a secret plain, percent-encoded, JSON-escaped and line by line") {
    Redactor redactor;
    redactor.add("p@ss/\"word\"");
    redactor.add("-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nAASCBKcwggSjAgEAAoIBAQ\n");
    CHECK(redactor.redact("x p@ss/\"word\" y") == "x [secret] y");
    CHECK(redactor.redact("u:p%40ss%2F%22word%22@h") == "u:[secret]@h");
    CHECK(redactor.redact(R"({"a":"p@ss/\"word\""})") == R"({"a":"[secret]"})");
    CHECK(redactor.redact("log: MIIEvQIBADANBgkqhkiG9w0") == "log: [secret]");
}

TEST_CASE("a password inside a URL or a connection string is a secret of its own") {
    Secrets secrets;
    secrets.learn("postgresql://shop:hunter22@db.example.com/production");
    secrets.learn("host=db user=shop password=tr0ub4dor dbname=shop");
    secrets.learn("https://hooks.example.com/services/T000/B000");
    CHECK(secrets.redact("hunter22, tr0ub4dor") == "[secret], [secret]");
    CHECK(secrets.redact("POST /services/T000/B000 failed") == "POST [secret] failed");
    CHECK(secrets.redact("shop in /production on db") == "shop in /production on db");
}

TEST_CASE("a longer secret is taken out before its part, and short values are left alone") {
    Redactor redactor;
    redactor.add("abcd");
    redactor.add("abcdefgh");
    redactor.add("xyz");
    CHECK(redactor.redact("abcdefgh abcd xyz") == "[secret] [secret] xyz");
}

TEST_CASE("the userinfo of any URL is taken out") {
    Redactor const redactor;
    CHECK(
        redactor.redact("postgresql://app:pw@db.example.com/shop?x=1") ==
        "postgresql://[secret]@db.example.com/shop?x=1"
    );
    CHECK(redactor.redact("https://example.com/a@b") == "https://example.com/a@b");
    CHECK(redactor.redact("http://a@b@c/") == "http://[secret]@c/");
    CHECK(redactor.redact("https://") == "https://");
}

TEST_CASE("every string inside a JSON value is redacted") {
    Redactor redactor;
    redactor.add("hunter22");
    auto const value = parse_json(R"({"a":["hunter22",1],"b":{"c":"x hunter22"}})");
    CHECK(
        to_text(redactor.redact_json(*value)) == R"({"a":["[secret]",1],"b":{"c":"x [secret]"}})"
    );
}
