"""The corpus: situations as an operator writes them (corpus/*.yaml), and what the stages are handed.
README.md has the words; a line that is not understood is an error with its place."""

import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
LABELS = ("roll back to", "payments off", "ask", "alert only", "nothing")

MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
TIME = r"\d+(?:\.\d+)?(?:ms|s|m|h)"
SPAN = rf"{TIME}(?:\.\.{TIME})?"
FAULT = re.compile(
    rf"(?P<signal>everything|\w+) (?:(?P<fails>fails?)(?: (?P<share>[\d.]+)%)?(?P<clients> of clients)?"
    rf"|slow (?P<slow>{TIME})|shows (?P<value>[\d.]+)|shows \"(?P<text>[^\"]*)\"|climbs (?P<climbs>[\d.]+)/m)"
    rf"(?: by (?P<by>\w+))?(?: after (?P<after>{SPAN}))?(?: on and off every (?P<period>{SPAN}))?"
    rf"(?: above x(?P<above>[\d.]+))?")
DEPLOY = re.compile(r"deploy (?P<version>\w+)(?: of (?P<service>\w+))?(?:: (?P<faults>[^()]*?))?(?: \((?P<how>.*)\))?")
FORMS = (
    (re.compile(r"(?P<service>\w+) is well"), "mend"),
    (re.compile(r"traffic (?:x(?P<factor>[\d.]+)|(?P<stops>stops)|is usual)(?: of (?P<service>\w+))?"), "traffic"),
    (re.compile(r"our network is (?:(?P<lost>lost)|back)"), "network"),
    (re.compile(rf"the clock jumps (?P<back>back )?(?P<clock>{SPAN})"), "clock"),
    (re.compile(r"the daemon is killed"), "kill"),
    (re.compile(r"(?P<version>\w+) is gone"), "gone"),
    (re.compile(r"(?P<version>\w+) is spoiled: (?P<faults>.*)"), "spoiled"),
    (re.compile(r"the schema moves to (?P<schema>\d+)"), "schema"),
    (re.compile(r"somebody raises (?P<trigger>\w+)"), "raise"),
    (re.compile(r"(?P<service>\w+): (?P<faults>.*)"), "break"),
)


def milliseconds(text: str) -> int:
    number, unit = re.fullmatch(r"([\d.]+)(\w+)", text).groups()
    return round(float(number) * MILLISECONDS[unit])


def span(text: str | None) -> dict:
    low, _, high = (text or "0s").partition("..")
    return {"low_ms": milliseconds(low), "high_ms": milliseconds(high or low)}


def fault(text: str) -> dict:
    found = FAULT.fullmatch(text.strip())
    if not found:
        raise ValueError(f"no fault is written {text.strip()!r}")
    share = float(found["share"] or 100) / 100 if found["fails"] else 0.0
    out = {"signal": "*" if found["signal"] == "everything" else found["signal"], "by": found["by"] or "",
           "clients" if found["clients"] else "fails": share, "text": found["text"] or "",
           "slow_ms": float(milliseconds(found["slow"] or "0s")), "climbs": float(found["climbs"] or 0),
           "after": span(found["after"]), "period": span(found["period"]), "above": float(found["above"] or 0)}
    if found["value"]:
        out["value"] = float(found["value"])
    return out


def faults(text: str | None) -> list[dict]:
    return [fault(one) for one in (text or "").split(";") if one.strip()]


def deployment(found: re.Match) -> dict:
    out = {"what": "deploy", "version": found["version"], "service": found["service"] or "shop",
           "faults": faults(found["faults"])}
    for how in filter(None, (one.strip() for one in (found["how"] or "").split(","))):
        if late := re.fullmatch(rf"announced ({SPAN}) late", how):
            out["late"] = span(late[1])
        elif schema := re.fullmatch(r"schema (\d+)", how):
            out["schema"] = int(schema[1])
        elif how in ("not announced", "undated", "known-good", "schema-compatible"):
            out |= {"not announced": {"announced": False}, "undated": {"dated": False},
                    "known-good": {"known_good": True}, "schema-compatible": {"schema_compatible": True}}[how]
        else:
            raise ValueError(f"nothing is deployed {how!r}")
    return out


def happening(line: str) -> dict:
    after, _, text = line.partition(" ")
    if not re.fullmatch(SPAN, after):
        raise ValueError(f"a line begins with the time since the one before, not {after!r}")
    return {"after": span(after), **what_happens(text.strip())}


def what_happens(text: str) -> dict:
    if found := DEPLOY.fullmatch(text):
        return deployment(found)
    for form, what in FORMS:
        if not (found := form.fullmatch(text)):
            continue
        groups = found.groupdict()
        out = {"what": what, "service": groups.get("service") or ("" if what == "traffic" else "shop")}
        for name in ("version", "trigger"):
            if groups.get(name):
                out[name] = groups[name]
        if groups.get("faults"):
            out["faults"] = faults(groups["faults"])
        if what == "traffic":
            out["factor"] = 0.0 if groups["stops"] else float(groups["factor"] or 1)
        elif what == "network":
            out["factor"] = 0.0 if groups["lost"] else 1.0
        elif what == "clock":
            out |= {"clock": span(groups["clock"]), "back": bool(groups["back"])}
        elif what == "schema":
            out["schema"] = int(groups["schema"])
        return out
    raise ValueError(f"nothing happens like {text!r}")


@dataclass
class Situation:
    """One row of the corpus."""

    name: str
    label: str
    kind: str          # the file it stands in
    policy: str        # its text
    normal: dict
    story: list[str]
    real: bool = False     # one of the main ones, played on the real stack too
    rest: str = "12m"      # watched for so long afterwards
    limit: str = ""        # why rollbackd does not do by itself what the label says
    happenings: list[dict] = field(default_factory=list)

    def as_json(self) -> dict:
        """What the simulated stage reads."""
        return {"name": self.name, "policy": self.policy, "normal": self.normal,
                "happenings": self.happenings, "rest": span(self.rest)}


def normal(text: dict[str, dict[str, str]]) -> dict:
    """`requests: 120/m`, `webhooks: 10/m by stripe paypal`, `memory: 40`, `banner: "Welcome"`."""
    out: dict = {}
    for service, signals in text.items():
        for signal, usual in signals.items():
            rate = re.fullmatch(r"([\d.]+)/m(?: by (.*))?", str(usual))
            if rate:
                entry = {"per_minute": float(rate[1]), "by": (rate[2] or "").split()}
            elif isinstance(usual, (int, float)):
                entry = {"value": float(usual)}
            else:
                entry = {"text": str(usual)}
            out.setdefault(service, {})[signal] = entry
    return out


def policy(world: dict) -> str:
    text = (HERE / "policies" / world["policy"]).read_text()
    for old, new in world.get("but", {}).items():
        if old not in text:
            raise SystemExit(f"worlds.yaml: {world['policy']} says nowhere {old!r}")
        text = text.replace(old, new)
    return text


def read_file(path: Path, worlds: dict) -> list[Situation]:
    out = []
    for name, row in yaml.safe_load(path.read_text()).items():
        world = worlds[row.pop("world", "shop")]
        made = Situation(name, kind=path.stem, policy=policy(world), normal=normal(world["normal"]), **row)
        if not made.label.startswith(LABELS):
            raise SystemExit(f"{path.name}: {name}: no label is written {made.label!r}")
        for line in made.story:
            try:
                made.happenings.append(happening(line))
            except ValueError as error:
                raise SystemExit(f"{path.name}: {name}: {line!r}: {error}") from None
        out.append(made)
    return out


def read_corpus() -> list[Situation]:
    worlds = yaml.safe_load((HERE / "policies" / "worlds.yaml").read_text())
    out = [one for path in sorted((HERE / "corpus").glob("*.yaml")) for one in read_file(path, worlds)]
    names = [one.name for one in out]
    if twice := {name for name in names if names.count(name) > 1}:
        raise SystemExit(f"corpus: two situations are called {sorted(twice)[0]}")
    return out
