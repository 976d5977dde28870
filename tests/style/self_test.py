"""The checks can fail: each planted violation is found at its line, and clean code passes. Run by
ctest and scripts/test before the checks themselves are believed."""

import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import check_coroutines  # noqa: E402
import check_includes  # noqa: E402
import check_names  # noqa: E402
import check_promises  # noqa: E402
import check_tree  # noqa: E402
from cpp import Scanner, strip  # noqa: E402


class Planted(unittest.TestCase):
    """A tree of a few planted files, checked as the real one is."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = Path(self.folder.name).resolve()

    def found(self, check, files: dict[str, str]) -> list[tuple[str, int]]:
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            (path.parent / "README.md").write_text("# A folder\n")
        findings = sorted(check(self.root))
        self.messages = [str(finding) for finding in findings]
        return [(finding.file, finding.line) for finding in findings]

    def expect(self, check, files: dict[str, str], *lines: tuple[str, int]) -> None:
        self.assertEqual(self.found(check, files), sorted(lines), getattr(self, "messages", None))


class Includes(Planted):
    def test_upwards_and_sideways_are_found(self):
        self.expect(check_includes.check, {
            "triggers/a.cpp": '#include "triggers/a.hpp"\n#include "actions/playbook.hpp"\n',
            "core/b.cpp": '#include <string>\n\n#include "engine/state.hpp"\n',
            "triggers/probes/c.cpp": '#include "actions/playbook.hpp"\n#include "triggers/sources/x.hpp"\n',
            "engine/d.cpp": '#include "core/io/process.hpp"\n#include "core/error.hpp"\n',
            "daemon/store/e.cpp": '#include "config/load.hpp"\n#include "engine/state.hpp"\n',
        }, ("triggers/a.cpp", 2), ("core/b.cpp", 3), ("triggers/probes/c.cpp", 1),
            ("triggers/probes/c.cpp", 2), ("engine/d.cpp", 1), ("daemon/store/e.cpp", 1))

    def test_third_party_headers_outside_their_floor_are_found(self):
        self.expect(check_includes.check, {
            "engine/a.cpp": "#include <boost/asio/awaitable.hpp>\n",
            "engine/b.cpp": "#include <boost/json/value.hpp>\n",
            "config/c.cpp": "#include <sqlite3.h>\n#include <yaml-cpp/yaml.h>\n",
            "api/routes.cpp": "#include <boost/beast/http.hpp>\n",
            "api/server.cpp": "#include <boost/beast/http.hpp>\n",
            "core/names.cpp": "#include <openssl/sha.h>\n",
            "core/record.cpp": "#include <openssl/sha.h>\n",
            "core/sample.hpp": "#include <boost/describe.hpp>\n",
            "core/json.hpp": "#include <boost/describe.hpp>\n",
            "daemon/store/sqlite.hpp": "#include <sqlite3.h>\n",
        }, ("engine/a.cpp", 1), ("engine/b.cpp", 1), ("config/c.cpp", 1), ("api/routes.cpp", 1),
            ("core/names.cpp", 1), ("core/sample.hpp", 1), ("daemon/store/sqlite.hpp", 1))

    def test_pure_rooms_have_no_clock_file_thread_or_system_header(self):
        self.expect(check_includes.check, {
            "engine/a.cpp": "#include <thread>\n#include <map>\n#include <unistd.h>\n",
            "actions/b.cpp": "#include <fstream>\n",
            "core/io/c.cpp": "#include <thread>\n#include <unistd.h>\n#include <sys/wait.h>\n",
        }, ("engine/a.cpp", 1), ("engine/a.cpp", 3), ("actions/b.cpp", 1))

    def test_a_comment_and_a_relative_path(self):
        self.expect(check_includes.check, {
            "engine/a.cpp": '// #include <thread>\n/*\n#include <thread>\n*/\n#include "plan.hpp"\n',
        }, ("engine/a.cpp", 5))

    def test_tests_take_catch_through_our_header(self):
        self.expect(check_includes.check, {
            "tests/core/a_test.cpp": '#include <catch2/catch.hpp>\n',
            "tests/catch.hpp": '#include <catch2/catch.hpp>\n',
        }, ("tests/core/a_test.cpp", 1))


class Promises(Planted):
    def test_a_name_that_is_no_test_and_a_promise_without_one_are_found(self):
        rows = "".join(f'| {n} kept | so | `tests/a_test.cpp` "it holds" |\n' for n in (*range(1, 10), *"abcde"))
        self.expect(check_promises.check, {
            "tests/a_test.cpp": 'TEST_CASE("it "\n          "holds") {}\n',
            "docs/promises.md": rows + '| f kept | so | `tests/a_test.cpp` "it held" |\n'
                                + '| 1 kept | so | `tests/test_b.py` `test_c` |\n',
            "docs/security.md": '| a threat | stopped | `tests/a_test.cpp` "it holds" |\n| another | stopped | so far |\n',
        }, ("docs/promises.md", 15), ("docs/promises.md", 16), ("docs/security.md", 2))
        (self.root / "docs/security.md").write_text("")
        (self.root / "docs/promises.md").write_text(rows)
        self.assertEqual([(f.file, f.line) for f in check_promises.check(self.root)], [("docs/promises.md", 1)])


class Names(Planted):
    def test_one_name_for_two_types_is_found_across_folders_and_kinds(self):
        self.expect(check_names.check, {
            "config/a.hpp": "namespace rollbackd {\nstruct Reading {\n    int x;\n};\n}\n",
            "engine/b.hpp": "namespace rollbackd {\n\nclass Reading final : public Base {\n};\n}\n",
            "engine/c.cpp": "namespace rollbackd {\nenum class Reading : int { a };\n}\n",
        }, ("engine/b.hpp", 3), ("engine/c.cpp", 2), ("engine/c.cpp", 2))

    def test_what_nobody_else_can_mean_is_not(self):
        self.expect(check_names.check, {
            "config/a.hpp": "namespace rollbackd {\nstruct Reading { struct Line { int x; }; };\nclass Head;\n}\n",
            "engine/b.cpp": "namespace rollbackd {\nnamespace {\nstruct Reading { int x; };\n}\n}\n",
            "engine/c.hpp": "namespace rollbackd {\nstruct Line {};\nclass Head;\nvoid f(struct Reading const& r) {}\n}\n",
            "tests/config/d_test.cpp": "struct Fake { int x; };\n",
            "tests/engine/d_test.cpp": "struct Fake { int x; };\n",
        })


DANGEROUS = {
    "aggregate temporary": "co_await f(Opt{1, 2});",
    "nested temporary": "co_await push(Event{SampleSeen{s}});",
    "braced list": "co_await f({a, b});",
    "capturing lambda": "co_await f([x] { return x; });",
    "reference capture too": "auto n = g([&x](int y) { return x + y; }, co_await f());",
    "lambda beside an executor": "co_spawn(co_await this_coro::executor, [t = std::move(t)] { go(t); }, token);",
    "conditional": "T t = c ? co_await f() : other;",
    "template temporary": "co_await f(std::vector<int>{1});",
    "aggregate of awaits": "Opt o{co_await a(), co_await b()};",
    "in an if": "if ((co_await f(T{})) == 1) { go(); }",
    "in a loop": "while (co_await f(T{})) go();",
    "over lines": "auto r =\n    co_await f(\n        T{.a = 1});",
}
HARMLESS = {
    "named first": "auto opt = Opt{1, 2}; co_await f(std::move(opt));",
    "constructor with parentheses": "co_await f(std::string(\"{a}\"));",
    "lambda without captures": "co_await f([](int x) { return x; });",
    "await inside the lambda only": "auto l = [](int x) -> awaitable<void> { co_await f(x); }; run(l);",
    "conditional elsewhere": "auto x = c ? 1 : 2; co_await f(x);",
    "condition of an if": "if (c ? a : b) co_await f();",
    "block after an if": "if (auto r = co_await f(); !r) { auto t = T{1}; use(t); }",
    "structured binding": "auto [a, b] = co_await f();",
    "reference binding": "auto& [a, b] = co_await f();",
    "subscript": "v[i] = co_await f(w[2]);",
    "in a comment": "co_await f(); // Opt{1}\n",
    "in a string": 'co_await f("T{1} ? a : b");',
    "returned aggregate": "co_return Agg{1};",
    "range for": "for (auto& t : co_await f()) { g(T{}); }",
}


class Coroutines(Planted):
    def test_every_dangerous_expression_is_found(self):
        for name, body in DANGEROUS.items():
            with self.subTest(name):
                text = "awaitable<void> go() {\n" + body + "\n}\n"
                scanner = Scanner(text)
                found = [s for s in scanner.statements if check_coroutines.problem_in(s)]
                self.assertEqual(len(found), 1, text)

    def test_no_harmless_expression_is_found(self):
        for name, body in HARMLESS.items():
            with self.subTest(name):
                scanner = Scanner("awaitable<void> C::go() const {\n" + body + "\n}\n")
                found = [check_coroutines.problem_in(s) for s in scanner.statements]
                self.assertFalse(any(found), body)

    def test_the_line_is_the_one_of_the_await(self):
        self.expect(check_coroutines.check, {
            "core/io/a.cpp": "awaitable<void> f() {\n    auto r =\n        co_await g(T{1});\n}\n",
        }, ("core/io/a.cpp", 3))

    def test_an_empty_loop_around_an_await_is_found(self):
        self.expect(check_coroutines.check, {
            "core/io/a.cpp": "awaitable<void> f() {\n    while (!co_await g(1)) {\n    }\n    while (co_await g(2)) h();\n}\n",
        }, ("core/io/a.cpp", 2))

    def test_a_capturing_lambda_that_is_a_coroutine_is_found_outside_tests(self):
        text = "void f() {\n    auto l = [this]() -> awaitable<void> { co_await g(); };\n}\n"
        self.expect(check_coroutines.check, {"core/io/a.cpp": text, "tests/core/io/a_test.cpp": text},
                    ("core/io/a.cpp", 2))


class Tree(Planted):
    def test_banned_calls_are_found_with_their_replacement(self):
        body = [
            "io_context.stop();", "co_spawn(ex, f(), detached);", 'system("ls");', 'popen("ls", "r");',
            "std::thread t(f);", "std::this_thread::sleep_for(1s);", "auto n = steady_clock::now();",
            "auto n = std::chrono::system_clock::now();", "fork();", "std::cout << 1;",
            "std::regex r(x);", "assert(x);",
        ]
        for line in body:
            with self.subTest(line):
                found = check_tree.banned_calls("engine/a.cpp", "void f() {\n    " + line + "\n}\n")
                self.assertEqual([finding.line for finding in found], [2], line)
                self.assertIn(": ", found[0].what)

    def test_the_one_place_may(self):
        self.assertEqual(check_tree.banned_calls("core/io/blocking.cpp", "std::thread t(f);\n"), [])
        self.assertEqual(check_tree.banned_calls("core/io/clock.cpp", "x = steady_clock::now();\n"), [])
        self.assertEqual(check_tree.banned_calls("core/io/process.cpp", "::posix_spawn(&pid);\n"), [])

    def test_words_that_only_look_like_calls_pass(self):
        for line in ("// system() is banned", 'x = "detached";', "filesystem(x);", "probe.stop();",
                     "operating_system(x);", "static_assert(x);", "co_await process.run(argv);",
                     "timer.expires_after(d);", "run.time(x);", "std::this_thread::get_id();"):
            with self.subTest(line):
                self.assertEqual(check_tree.banned_calls("engine/a.cpp", line + "\n"), [])

    def test_sleeping_in_a_python_test_is_found(self):
        self.assertEqual(len(check_tree.banned_calls("tests/e2e/test_a.py", "time.sleep(1)\n")), 1)

    def test_long_functions_and_files_are_found(self):
        long_function = "int f() {\n" + "    g();\n" * 69 + "}\n"
        self.expect(check_tree.check, {"core/a.cpp": "// ok\n" + long_function}, ("core/a.cpp", 2))
        self.expect(check_tree.check, {"core/a.cpp": "int f() {\n" + "    g();\n" * 68 + "}\n"})
        self.expect(check_tree.check, {"core/a.cpp": "int x;\n" * 400 + "\n" * 50})
        self.expect(check_tree.check, {"core/a.cpp": "int x;\n" * 401}, ("core/a.cpp", 401))

    def test_a_long_namespace_or_struct_is_no_function(self):
        text = "namespace a {\nstruct B {\n" + "    int x(int);\n" * 80 + "};\n}\n"
        self.expect(check_tree.check, {"core/a.hpp": text})

    def test_a_folder_without_readme_or_with_a_long_one_is_found(self):
        self.found(check_tree.check, {"core/a.cpp": "int x;\n"})
        (self.root / "core/README.md").unlink()
        self.assertEqual([(f.file, f.line) for f in check_tree.check(self.root)], [("core/README.md", 1)])
        (self.root / "core/README.md").write_text("line\n" * 41)
        self.assertEqual([(f.file, f.line) for f in check_tree.check(self.root)], [("core/README.md", 41)])

    def test_nothing_of_one_machine_or_person(self):
        unfinished = "TO" + "DO"
        for line in (f"// {unfinished}: later", "see /home/somebody/x", f"in {Path('/a/b/c')}/core",
                     "ask a.b@corp.com", "at 10.1.2.3:80"):
            with self.subTest(line):
                self.assertEqual(len(check_tree.words_not_ours(line, Path("/a/b/c"))), 1)
        for line in ("deploy@web1.example.com", "127.0.0.1:8620", "192.0.2.7", "getty@tty1.service",
                     "libpqxx 6.4.5", "version 1.2.3", "/home page", "0.0.0.0"):
            with self.subTest(line):
                self.assertEqual(check_tree.words_not_ours(line, Path("/a/b/c")), [])


class Lexing(unittest.TestCase):
    def test_literals_and_comments_keep_their_lines(self):
        text = 'a /* x\ny */ R"(co_await\n{)" \'{\' 1\'000 "\\"{" // {\nb'
        self.assertEqual(strip(text).count("\n"), text.count("\n"))
        self.assertNotIn("{", strip(text))
        self.assertIn("1'000", strip(text))

    def test_member_initialisers_do_not_hide_the_body(self):
        scanner = Scanner("A::A(int x) : a_(x), b_{x} {\n    co_await f(T{});\n}\n")
        self.assertTrue(any(check_coroutines.problem_in(s) for s in scanner.statements))

    def test_attributes_and_preprocessor_lines_are_not_code(self):
        scanner = Scanner("#define X(a) co_await f(T{a}); \\\n    more {\n[[nodiscard]] int f();\n")
        self.assertFalse(any(check_coroutines.problem_in(s) for s in scanner.statements))
        self.assertEqual(scanner.statements[0].line, 3)


if __name__ == "__main__":
    unittest.main()
