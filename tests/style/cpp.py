"""Just enough C++ lexing for the style checks: comments and literals blanked, tokens with line
numbers, statements, brace classification. No parser: it must be right on our code, and its own
tests say what that means."""

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SKIPPED_FOLDERS = {"build", ".git", "__pycache__", ".pytest_cache"}

_LEXEME = re.compile(
    r"""(?P<raw>(?:u8|u|U|L)?R"(?P<delim>[^()\s\\]{0,16})\(.*?\)(?P=delim)")"""
    r"""|(?P<comment>//[^\n]*(?:\\\n[^\n]*)*|/\*.*?\*/)"""
    r"""|(?P<string>"(?:\\.|[^"\\\n])*")"""
    r"""|(?P<number>(?<![\w.])\d(?:'?[\w.])*)"""
    r"""|(?P<char>'(?:\\.|[^'\\\n])*')""",
    re.S | re.X,
)
_TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.']*|\"\"|''|->|::|\[\[|\]\]|[^\s\w]")


def strip(source: str, keep_strings: bool = False) -> str:
    """Comments become blanks and literals become "", with every newline kept."""

    def blank(match: re.Match) -> str:
        text = match.group(0)
        if match.lastgroup == "number":
            return text
        if match.group("comment") is not None:
            return re.sub(r"[^\n]", " ", text)
        if keep_strings:
            return text
        return ("''" if match.group("char") is not None else '""') + "\n" * text.count("\n")

    return _LEXEME.sub(blank, source)


@dataclass
class Token:
    text: str
    line: int


def tokens(source: str) -> list[Token]:
    """Tokens of stripped source, preprocessor lines left out. `[[attributes]]` are dropped."""
    code = _keep_lines(strip(source))
    found, line, position = [], 1, 0
    for match in _TOKEN.finditer(code):
        line += code.count("\n", position, match.start())
        position = match.start()
        found.append(Token(match.group(0), line))
    return _without_attributes(found)


def _keep_lines(code: str) -> str:
    """Blanks preprocessor lines, continuation lines included, without moving any line."""
    return re.sub(
        r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group(0).count("\n"), code, flags=re.M
    )


def _without_attributes(found: list[Token]) -> list[Token]:
    kept, depth = [], 0
    for token in found:
        if token.text == "[[":
            depth += 1
        elif token.text == "]]" and depth:
            depth -= 1
        elif not depth:
            kept += [Token("]", token.line)] * 2 if token.text == "]]" else [token]
    return kept


@dataclass
class Statement:
    """One full expression, declaration or control header. Bodies of lambdas in it are apart."""

    tokens: list[Token] = field(default_factory=list)

    @property
    def line(self) -> int:
        return self.tokens[0].line

    def texts(self) -> list[str]:
        return [token.text for token in self.tokens]


@dataclass
class Block:
    """A `{…}` that holds statements. `head` is what stands before it in its statement."""

    head: Statement
    first_line: int
    last_line: int
    is_lambda: bool
    introducer: list[str]  # of a lambda: the tokens between [ and ]


OPENERS = {"(": ")", "[": "]", "{": "}"}
_BLOCK_WORDS = {"else", "try", "do", "mutable", "noexcept", "const", "override", "final", "constexpr"}
_TYPE_HEADS = {"namespace", "struct", "class", "enum", "union", "extern", "concept"}
_CONTROL = {"if", "while", "for", "switch", "catch"}


class Scanner:
    """Splits a file into statements and blocks."""

    def __init__(self, source: str):
        self.tokens = tokens(source)
        self.statements: list[Statement] = []
        self.blocks: list[Block] = []
        self._block(0, Statement())

    def _block(self, i: int, _head: Statement) -> int:
        """Reads statements up to the closing brace (or the end); answers the index after it."""
        current = Statement()
        while i < len(self.tokens):
            token = self.tokens[i]
            if token.text == "}":
                self._finish(current)
                return i + 1
            if token.text == ";":
                self._finish(current)
                current, i = Statement(), i + 1
            elif token.text in _CONTROL and self._is_open(i + 1, "(", "constexpr"):
                self._finish(current)
                current, i = Statement(), self._control(i)
            elif token.text == "{" and self._opens_block(i, current):
                lambda_intro = self._lambda_before(i)
                i = self._nested(i, current, lambda_intro)
                if lambda_intro is None:
                    self._finish(current)
                    current = Statement()
            elif token.text in OPENERS:
                i = self._group(i, current)
            else:
                current.tokens.append(token)
                i += 1
        self._finish(current)
        return i

    def _is_open(self, i: int, opener: str, skipped: str) -> bool:
        if i < len(self.tokens) and self.tokens[i].text == skipped:
            i += 1
        return i < len(self.tokens) and self.tokens[i].text == opener

    def _control(self, i: int) -> int:
        """`if (a; b)`: each part of the header is a full expression of its own."""
        while self.tokens[i].text != "(":
            i += 1
        part, i = Statement([self.tokens[i - 1]]), i + 1
        while i < len(self.tokens) and self.tokens[i].text != ")":
            token = self.tokens[i]
            if token.text == ";":
                self._finish(part)
                part, i = Statement(), i + 1
            elif token.text in OPENERS:
                i = self._group(i, part)
            else:
                part.tokens.append(token)
                i += 1
        self._finish(part)
        return i + 1

    def _group(self, i: int, into: Statement) -> int:
        """Copies a bracketed group, its lambdas' bodies left out; answers the index after it."""
        closer = OPENERS[self.tokens[i].text]
        into.tokens.append(self.tokens[i])
        i += 1
        while i < len(self.tokens) and self.tokens[i].text != closer:
            token = self.tokens[i]
            lambda_intro = self._lambda_before(i) if token.text == "{" else None
            if lambda_intro is not None:
                i = self._nested(i, into, lambda_intro)
            elif token.text in OPENERS:
                i = self._group(i, into)
            else:
                into.tokens.append(token)
                i += 1
        if i < len(self.tokens):
            into.tokens.append(self.tokens[i])
        return i + 1

    def _nested(self, i: int, head: Statement, lambda_intro: list[str] | None) -> int:
        end = self._block(i + 1, head)
        self.blocks.append(Block(
            Statement(list(head.tokens)), self.tokens[i].line, self.tokens[end - 1].line,
            lambda_intro is not None, lambda_intro or [],
        ))
        return end

    def _finish(self, statement: Statement) -> None:
        if statement.tokens:
            self.statements.append(statement)

    def _opens_block(self, i: int, current: Statement) -> bool:
        if i == 0 or not current.tokens:
            return True
        before = self.tokens[i - 1].text
        words = {token.text for token in current.tokens}
        if before in {")", "}", ":"} or before in _BLOCK_WORDS:
            return True
        if words & _TYPE_HEADS and "=" not in words:
            return True
        return self._lambda_before(i) is not None or self._trailing_return(i) is not None

    def _trailing_return(self, i: int) -> int | None:
        """Index of the `->` when `{` at i follows `-> Type`."""
        j, depth = i - 1, 0
        while j > 0:
            text = self.tokens[j].text
            if text == ">":
                depth += 1
            elif text == "<":
                depth -= 1
            elif text == "->":
                after = self.tokens[j - 1].text
                return j if after == ")" or after in _BLOCK_WORDS else None
            elif text in "(){};=," and not (depth and text in "(),"):
                return None
            j -= 1
        return None

    def _back(self, i: int) -> int:
        """Index of the bracket that `)` or `]` at i closes."""
        closer, depth = self.tokens[i].text, 0
        opener = {")": "(", "]": "["}[closer]
        while i >= 0:
            depth += (self.tokens[i].text == closer) - (self.tokens[i].text == opener)
            if depth == 0:
                return i
            i -= 1
        return -1

    def _lambda_before(self, i: int) -> list[str] | None:
        """The capture list when `{` at i opens a lambda's body."""
        arrow = self._trailing_return(i)
        j = (arrow if arrow is not None else i) - 1
        while j > 0 and self.tokens[j].text in _BLOCK_WORDS:
            j -= 1
        if j > 0 and self.tokens[j].text == ")":
            j = self._back(j) - 1
        if j < 0 or self.tokens[j].text != "]":
            return None
        start = self._back(j)
        before = self.tokens[start - 1].text if start > 0 else ";"
        if re.fullmatch(r"\w+", before) and before not in {"return", "co_return", "co_await"} \
                or before in {")", "]", '""'}:
            return None
        return [token.text for token in self.tokens[start + 1:j]]


def sources(root: Path, suffixes: tuple[str, ...] = (".cpp", ".hpp")) -> list[Path]:
    """Files below root that belong to the project, sorted."""
    found = []
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        if path.is_file() and path.suffix in suffixes and not set(parts) & SKIPPED_FOLDERS:
            found.append(path)
    return found
