"""The condition language once more, from docs/conditions.md alone: a parser, and Kleene's three values over
the numbers that a stored proof holds. Nothing of it is taken from the engine; where the two disagree one of
them, or the document, is wrong."""

import math
import re
from dataclasses import dataclass, field
from statistics import NormalDist
from typing import Callable

TOKEN = re.compile(r"\s*(?:(?P<duration>(?:\d+(?:\.\d+)?(?:ms|ns|us|s|m|h|d|w))+)(?![\w%])"
                   r"|(?P<share>\d+(?:\.\d+)?\s*%)|(?P<size>\d+(?:\.\d+)?(?:[kKMGT]i?B|B))|(?P<number>\d+(?:\.\d+)?)"
                   r"|\"(?P<text>[^\"]*)\"|(?P<word>[A-Za-z][\w-]*)|(?P<symbol><=|>=|==|!=|[<>()+\-*/,]))")
SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
BYTES = {"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
         "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b, "==": lambda a, b: a == b, "!=": lambda a, b: a != b}
RATIOS = {"failure_ratio", "affected", "burn_rate", "baseline"}
QUANTILES = {"p50", "p95", "p99"}
VERDICTS = {"ok", "failed", "stale", "absent", "changed", "baked"}

TRUE, FALSE, UNKNOWN = "true", "false", "unknown"


@dataclass(frozen=True)
class Node:
    kind: str               # number text word call compare and or not + - * / negate
    value: object = None    # of a literal; the function's or operator's name
    parts: tuple["Node", ...] = ()
    days: bool = False      # a duration; days_left counts in days


def duration(text: str) -> float:
    return sum(float(number) * SECONDS[unit] for number, unit in re.findall(r"([\d.]+)(ns|us|ms|[smhdw])", text))


class Parser:
    def __init__(self, text: str):
        self.tokens: list[tuple[str, str]] = []
        at = 0
        while text[at:].strip():
            found = TOKEN.match(text, at)
            if not found:
                raise ValueError(f"{text!r} is no condition from {text[at:]!r}")
            self.tokens.append((found.lastgroup, found[found.lastgroup]))
            at = found.end()
        self.at = 0

    def parse(self) -> Node:
        out = self.either()
        if self.at != len(self.tokens):
            raise ValueError(f"what does {self.tokens[self.at][1]!r} mean there?")
        return out

    def take(self, *values: str) -> str | None:
        if self.at < len(self.tokens) and self.tokens[self.at][0] in ("word", "symbol") \
                and self.tokens[self.at][1] in values:
            self.at += 1
            return self.tokens[self.at - 1][1]
        return None

    def chain(self, below: Callable[[], Node], *operators: str) -> Node:
        out = below()
        while operator := self.take(*operators):
            out = Node(operator, None, (out, below()))
        return out

    def either(self) -> Node:
        return self.chain(self.both, "or")

    def both(self) -> Node:
        return self.chain(self.inverse, "and")

    def inverse(self) -> Node:
        return Node("not", None, (self.inverse(),)) if self.take("not") else self.comparison()

    def comparison(self) -> Node:
        left = self.sum()
        if operator := self.take(*COMPARISONS):
            return Node("compare", operator, (left, self.sum()))
        return left

    def sum(self) -> Node:
        return self.chain(self.product, "+", "-")

    def product(self) -> Node:
        return self.chain(self.sign, "*", "/")

    def sign(self) -> Node:
        return Node("negate", None, (self.sign(),)) if self.take("-") else self.literal()

    def literal(self) -> Node:
        if self.take("("):
            out = self.either()
            self.expect(")")
            return out
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "duration":
            return Node("number", duration(text), (), True)
        if kind == "share":
            return Node("number", float(text.rstrip("% ")) / 100)
        if kind == "size":
            number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()
            return Node("number", float(number) * BYTES[unit])
        if kind == "number":
            return Node("number", float(text))
        if kind == "text":
            return Node("text", text)
        if kind == "word" and self.take("("):
            parts = [self.either()]
            while self.take(","):
                parts.append(self.either())
            self.expect(")")
            return Node("call", text, tuple(parts))
        return Node("word", text)

    def expect(self, symbol: str) -> None:
        if not self.take(symbol):
            raise ValueError(f"{symbol} is missing")


def parse(text: str) -> Node:
    return Parser(text).parse()


def wilson(failures: float, total: float, confidence: float) -> float:
    """The lower bound of Wilson's score interval, two-sided."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, z2 = failures / total, z * z / total
    spread = z * math.sqrt(share * (1 - share) / total + z2 / (4 * total))
    return max(0.0, (share + z2 / 2 - spread) / (1 + z2))


@dataclass
class Truth:
    verdict: str
    count: float | None = None
    threshold: float | None = None


@dataclass
class Number:
    value: float | None = None     # None: unknown
    lower: float | None = None
    share: bool = False
    samples: int = 0
    needed: int = 0
    computed: bool = False

    @property
    def thin(self) -> bool:
        return self.samples < self.needed


@dataclass
class Proof:
    """A stored proof, asked by calls. `since`: streaks begin after it. `differing`: where a stored value is not
    what its own counts give."""

    stored: dict
    min_count: int | None = None
    confidence: float | None = None
    since: int | None = None
    differing: list[str] = field(default_factory=list)

    def call(self, node: Node) -> dict:
        signal = node.parts[0].value
        calls = self.stored["signals"].get(signal, {}).get("calls", {})
        for text, facts in calls.items():
            if parse(text) == node:
                return facts
        raise ValueError(f"the proof says nothing of {node.value}({signal})")

    def samples(self, node: Node) -> list[dict]:
        return self.stored["signals"][node.parts[0].value]["samples"]

    def needed(self, share: bool) -> int:
        return max(1, self.min_count if self.min_count is not None else 20 if share else 1)

    def number(self, node: Node) -> Number:
        facts = self.call(node)
        if "unknown" in facts:
            return Number()
        out = self.counted(node, facts)
        if not math.isclose(out.value, facts["value"], rel_tol=1e-12, abs_tol=1e-12):
            self.differing.append(f"{node.value} is {out.value:g} by its counts, and stored as {facts['value']:g}")
        return out

    def counted(self, node: Node, facts: dict) -> Number:
        name = node.value
        total = sum(facts.get(part, 0) for part in ("success", "failure", "neutral"))
        if name in ("failure_ratio", "baseline") and "failure" in facts:
            value = facts["failure"] / total
            if name == "baseline":
                return Number(value, value, False, total, self.needed(True))
            return Number(value, self.bound(facts["failure"], total), True, total, self.needed(True))
        if name == "affected":
            value = facts["failing"] / facts["seen"]
            return Number(value, self.bound(facts["failing"], facts["seen"]), True, facts["seen"], self.needed(True))
        if name in ("failures", "count"):
            seen = total or facts["samples"]
            value = float(facts["failure"] if name == "failures" else seen)
            return Number(value, value, False, seen, self.needed(False))
        if name == "rate":
            value = total / ((facts["to"] - facts["from"]) / 1e9)
            return Number(value, value, False, total, self.needed(False))
        if name == "burn_rate":
            long, short = ((facts[end], facts[f"{end}_samples"]) for end in ("long", "short"))
            seen = long[1] if long[1] < self.needed(True) else short[1]
            value = min(long[0], short[0])
            return Number(value, value, True, seen, self.needed(True), True)
        if name == "consecutive_failures":
            self.check_streak(node, facts)
            return Number(float(facts["length"]), float(facts["length"]))
        return self.measured(node, facts)

    def measured(self, node: Node, facts: dict) -> Number:
        value = facts["value"]
        if node.value in ("value", "days_left"):
            newest = [one for one in self.samples(node) if one["at"] == facts["at"] and "value" in one]
            if newest and newest[-1]["value"] != value:
                self.differing.append(f"{node.value} is stored as {value:g}, its sample says {newest[-1]['value']:g}")
            return Number(value, value)
        seen = facts.get("samples")
        if seen is None:
            return Number(value, value)
        inside = [number for one in self.samples(node) if facts["from"] < one["at"] <= facts["to"]
                  if (number := one.get("value", one.get("latency"))) is not None]
        if seen == len(inside) and node.value in ("min", "max", "avg"):
            value = {"min": min, "max": max, "avg": lambda all_: sum(all_) / len(all_)}[node.value](inside)
        return Number(value, value, False, seen, self.needed(node.value in QUANTILES or node.value == "baseline" and False))

    def check_streak(self, node: Node, facts: dict) -> None:
        """The newest samples must not speak against the length."""
        seen = 0
        for one in reversed(self.samples(node)):
            if one.get("by", "") != facts.get("by", "") or one.get("late"):
                continue
            if self.since is not None and one["at"] <= self.since:
                break
            if one.get("ok") or one.get("success"):
                if seen != facts["length"]:
                    break
                return
            seen += one.get("failure", 1 if one.get("ok") is False else 0)
        else:
            if seen <= facts["length"]:
                return
        # Another provider's samples may have pushed older ones out; only too few failures are a lie.
        if facts["length"] < seen or facts["length"] > 0 and seen == 0:
            self.differing.append(f"a streak of {facts['length']} is stored, the samples show {seen}")

    def bound(self, part: float, whole: float) -> float:
        return wilson(part, whole, self.confidence) if self.confidence else part / whole

    def truth(self, node: Node) -> str:
        facts = self.call(node)
        newest = self.samples(node)[-1:] or [{}]
        said = facts["value"]
        if node.value in ("ok", "failed") and "ok" in newest[0] and said != UNKNOWN:
            real = TRUE if newest[0]["ok"] == (node.value == "ok") else FALSE
            if real != said:
                self.differing.append(f"{node.value} is stored as {said}, its newest sample says {real}")
        if node.value == "absent" and "at" in newest[0]:
            spoke = newest[0]["at"] > self.stored["now"] - node.parts[1].value * 1e9
            if spoke != (said == FALSE):
                self.differing.append(f"absent is stored as {said}, the newest sample is of {newest[0]['at']}")
        return said

    def text(self, node: Node) -> str | None:
        if node.kind == "text":
            return node.value
        facts = self.call(node)
        newest = [one["text"] for one in self.samples(node) if "text" in one]
        if "value" in facts and newest and newest[-1] != facts["value"]:
            self.differing.append(f"version is stored as {facts['value']!r}, its newest sample says {newest[-1]!r}")
        return facts.get("value")


class Judge:
    """Kleene's values over a proof. `acting` is the verdict of a part that brings the whole nearer to
    true: only that one is guarded by min_count and confidence."""

    def __init__(self, proof: Proof):
        self.proof = proof

    def judge(self, node: Node, acting: str = TRUE) -> Truth:
        if node.kind == "not":
            inner = self.judge(node.parts[0], self.inverse(acting))
            return Truth(self.inverse(inner.verdict), inner.count, inner.threshold)
        if node.kind in ("and", "or"):
            return self.joined(node.kind, [self.judge(part, acting) for part in node.parts])
        if node.kind == "compare":
            return self.compare(node, acting)
        if node.kind == "call" and node.value == "quorum":
            return self.quorum(node, acting)
        if node.kind == "call" and node.value in VERDICTS:
            return Truth(self.proof.truth(node))
        if node.kind == "word" and node.value in (TRUE, FALSE):
            return Truth(node.value)
        raise ValueError(f"{node.kind} is no verdict")

    @staticmethod
    def inverse(verdict: str) -> str:
        return {TRUE: FALSE, FALSE: TRUE}.get(verdict, UNKNOWN)

    @staticmethod
    def joined(kind: str, parts: list[Truth]) -> Truth:
        for deciding in (FALSE, UNKNOWN) if kind == "and" else (TRUE, UNKNOWN):
            found = [one for one in parts if one.verdict == deciding]
            if found and not (kind == "or" and deciding == TRUE and len(found) == len(parts)):
                return found[0]
        first = next((one for one in parts if one.count is not None), parts[0])
        return Truth(parts[0].verdict, first.count, first.threshold)

    def quorum(self, node: Node, acting: str) -> Truth:
        needed = node.parts[0].value
        verdicts = [self.judge(part, acting).verdict for part in node.parts[1:]]
        yes, maybe = verdicts.count(TRUE), verdicts.count(UNKNOWN)
        verdict = TRUE if yes >= needed else UNKNOWN if yes + maybe >= needed else FALSE
        return Truth(verdict, float(yes), needed)

    def number(self, node: Node) -> Number:
        if node.kind == "number":
            return Number(node.value, node.value)
        if node.kind == "call":
            return self.proof.number(node)
        if node.kind == "negate":
            inner = self.number(node.parts[0])
            return inner if inner.value is None else Number(-inner.value, -inner.lower, inner.share, inner.samples,
                                                            inner.needed, inner.computed)
        left, right = (self.number(part) for part in node.parts)
        if left.value is None or right.value is None or node.kind == "/" and right.value == 0:
            return Number()
        apply = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
                 "/": lambda a, b: a / b if b else 0.0}[node.kind]
        thin = left if left.thin else right
        return Number(apply(left.value, right.value), apply(left.lower, right.lower), left.share or right.share,
                      thin.samples, thin.needed, True)

    def compare(self, node: Node, acting: str) -> Truth:
        left, right = node.parts
        if "text" in (left.kind, right.kind):
            texts = [self.proof.text(part) for part in node.parts]
            if None in texts:
                return Truth(UNKNOWN)
            return Truth(TRUE if (texts[0] == texts[1]) == (node.value == "==") else FALSE)
        a, b = self.number(in_days(left, right)), self.number(in_days(right, left))
        if a.value is None or b.value is None:
            return Truth(UNKNOWN)
        raw = self.holds(node.value, a.value, b.value, a.computed or b.computed)
        verdict = TRUE if raw else FALSE
        if verdict == acting:
            doubtful = self.proof.confidence and (a.share or b.share) and \
                self.holds(node.value, a.lower, b.lower, a.computed or b.computed) != raw
            if a.thin or b.thin or doubtful:
                verdict = UNKNOWN
        return Truth(verdict, a.value, b.value)

    @staticmethod
    def holds(operator: str, a: float, b: float, computed: bool) -> bool:
        """Arithmetic may be off in its last bits, and that begins no breach."""
        if computed and abs(a - b) <= 8 * 2.0**-52 * max(abs(a), abs(b)):
            b = a
        return COMPARISONS[operator](a, b)


def in_days(node: Node, other: Node) -> Node:
    """Days are compared with durations in days: days_left(cert) < 30d."""
    if node.days and other.kind == "call" and other.value == "days_left":
        return Node("number", node.value / 86400)
    return node
