"""GCC 12 destroys some temporaries of a full expression with co_await twice (a double free). Until
the compiler is another one, such an expression must not contain a lambda with captures, a braced
temporary, a braced list or a conditional: name it first, then std::move it.

Usage: check_coroutines.py [ROOT]"""

import re
from pathlib import Path

from cpp import Scanner, Statement, sources
from report import Finding, main


def problem_in(statement: Statement) -> str | None:
    """Why this full expression is dangerous; None where it is not."""
    texts = statement.texts()
    if "co_await" not in texts:
        return None
    for i, text in enumerate(texts):
        before = texts[i - 1] if i else ";"
        if text == "?":
            return "a conditional (?:)"
        if text == "[" and not _is_subscript(before) and texts[i + 1] != "]":
            return "a lambda with captures"
        if text == "{":
            if re.fullmatch(r"[A-Za-z_]\w*", before) and before not in {"return", "co_return"}:
                return f"a braced temporary ({before}{{…}})"
            return "a braced temporary (…>{…})" if before == ">" else "a braced list ({…})"
    return None


def _is_subscript(before: str) -> bool:
    """`x[`, `f()[`, `a[0][` are subscripts; `auto [`, `auto& [` bind names."""
    if before in {"return", "co_return", "co_await", "co_yield"}:
        return False
    return bool(re.fullmatch(r"\w+", before)) or before in {")", "]", '""'} or before in {"&", "&&"}


EMPTY_LOOP = re.compile(r"\b(?:while|for)\s*\([^;{}]*\bco_await\b[^;{}]*\)\s*\{\s*\}")


def empty_loops(text: str, name: str) -> list[Finding]:
    """GCC 12 loses the coroutine's frame over `while (!co_await f()) {}` at -O2 (seen in the daemon)."""
    return [
        Finding(name, text.count("\n", 0, found.start()) + 1,
                "co_await in the head of a loop with an empty body: GCC 12 miscompiles it at -O2; "
                "await into a named value inside the body")
        for found in EMPTY_LOOP.finditer(text)
    ]


def check_file(path: Path, name: str) -> list[Finding]:
    scanner = Scanner(path.read_text())
    findings = empty_loops(path.read_text(), name)
    for statement in scanner.statements:
        why = problem_in(statement)
        if why:
            line = next(t.line for t in statement.tokens if t.text == "co_await")
            findings.append(Finding(
                name, line, f"co_await in one full expression with {why}: GCC 12 destroys it twice; "
                "name it first, then std::move it",
            ))
    if not name.startswith("tests/"):
        findings += capturing_coroutines(scanner, name)
    return findings


def capturing_coroutines(scanner: Scanner, name: str) -> list[Finding]:
    """A coroutine's captures die with the lambda: what it needs is a parameter."""
    findings = []
    for block in scanner.blocks:
        if not block.is_lambda or not block.introducer:
            continue
        inside = [t for s in scanner.statements for t in s.tokens
                  if block.first_line <= t.line <= block.last_line]
        awaited = [t.line for t in inside if t.text in {"co_await", "co_return"}]
        if awaited:
            findings.append(Finding(
                name, block.first_line, "a lambda with captures is a coroutine: its captures die with "
                "the lambda; make it a function and pass them as parameters",
            ))
    return findings


def check(root: Path) -> list[Finding]:
    findings = []
    for path in sources(root):
        findings += check_file(path, str(path.relative_to(root)))
    return findings


if __name__ == "__main__":
    main(check, "check_coroutines")
