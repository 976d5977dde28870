"""A type has one definition. Two types of one name in two files, neither in an unnamed namespace,
are one type to the linker: it keeps the constructors of either, and the other one's objects break.
No compiler warns of it, and a sanitizer sees it only where a test creates such an object.

Usage: check_names.py [ROOT]"""

import re
from pathlib import Path

from cpp import Token, sources, tokens
from report import Finding, main

KINDS = ("struct", "class", "union", "enum")
UNNAMED = "(unnamed)"


def opened_by(head: list[str]) -> tuple[str, str] | None:
    """What the brace behind `head` opens: ("namespace"|"type", name); None: a body or a value."""
    if "namespace" in head:
        name = "".join(head[head.index("namespace") + 1:])
        return "namespace", name or UNNAMED
    kind = next((at for at, word in enumerate(head) if word in KINDS), None)
    if kind is None or "=" in head or ")" in head[kind:]:
        return None
    names = [word for word in head[kind + 1:] if word not in (*KINDS, "final", "alignas")]
    declared = names[: names.index(":")] if ":" in names else names
    return ("type", "".join(declared)) if declared and re.match(r"[A-Za-z_]", declared[0]) else None


def types_of(found: list[Token]) -> list[tuple[str, int]]:
    """Full names of the types defined here that other files could mean, with their lines."""
    out, enclosing, head = [], [], []
    for token in found:
        if token.text == "{":
            scope = opened_by([word.text for word in head])
            outer = all(kind is not None and name != UNNAMED for kind, name in enclosing)
            if scope and scope[0] == "type" and outer and "<" not in scope[1]:
                out.append(("::".join([name for _, name in enclosing] + [scope[1]]), head[0].line))
            enclosing.append(scope or (None, ""))
        elif token.text == "}" and enclosing:
            enclosing.pop()
        if token.text in ("{", "}", ";"):
            head = []
        else:
            head.append(token)
    return out


def linked_apart(one: str, other: str) -> bool:
    """Two rooms of tests are two programs."""
    rooms = [str(Path(name).parent).split("/support")[0] for name in (one, other)]
    return all(room.startswith("tests/") for room in rooms) and rooms[0] != rooms[1]


def check(root: Path) -> list[Finding]:
    findings, seen = [], {}
    for path in sources(root):
        file = str(path.relative_to(root))
        for name, line in types_of(tokens(path.read_text())):
            for other in seen.get(name, []):
                if other == file or linked_apart(file, other):
                    continue
                findings.append(Finding(file, line, f"{name} is another type in {other}: name one of them "
                                        "for what it is, or put it in an unnamed namespace"))
            seen.setdefault(name, []).append(file)
    return findings


if __name__ == "__main__":
    main(check, "check_names")
