"""The house rules a machine can see: sizes, banned calls with what to use instead, a README in each
folder, and nothing in the tree that belongs to one machine or one person.

Usage: check_tree.py [ROOT]"""

import re
import subprocess
from pathlib import Path

from banned import CALLS, Call
from cpp import SKIPPED_FOLDERS, Block, Scanner, strip
from report import Finding, main

FILE_LINES_MAX = 400       # not counting blank ones
FUNCTION_LINES_MAX = 70
README_LINES_MAX = 40

# Line length is clang-format's: scripts/check asks it.
CODE = {".cpp", ".hpp", ".py", ".sh", ".ts", ".tsx", ".mjs"}
TEXT = CODE | {".md", ".yaml", ".yml", ".json", ".service", ".conf", ".rules", ".txt", ".cmake", ".js",
               ".html", ".css", ".sql", ""}


def files_of(root: Path) -> list[Path]:
    """What git tracks or would track; every file where there is no git."""
    try:
        listed = subprocess.run(
            ["git", "-C", str(root), "ls-files", "-co", "--exclude-standard", "-z"],
            capture_output=True, check=True, text=True,
        ).stdout.split("\0")
        found = [root / name for name in listed if name]
    except (subprocess.CalledProcessError, FileNotFoundError):
        found = [path for path in root.rglob("*")]
    return sorted(path for path in found if path.is_file() and not path.is_symlink()
                  and not set(path.relative_to(root).parts) & SKIPPED_FOLDERS)


def is_function(block: Block) -> bool:
    texts = block.head.texts()
    return block.is_lambda or "(" in texts and not {"namespace", "enum", "union"} & set(texts)


def too_long(name: str, text: str) -> list[Finding]:
    findings = []
    lines = text.splitlines()
    filled = sum(1 for line in lines if line.strip())
    if filled > FILE_LINES_MAX:
        findings.append(Finding(name, len(lines), f"{filled} lines that are not blank, at most "
                                f"{FILE_LINES_MAX}: split the file by what it is about"))
    if name.endswith((".cpp", ".hpp")):
        for block in Scanner(text).blocks:
            length = block.last_line - block.first_line + 1
            if is_function(block) and length > FUNCTION_LINES_MAX:
                findings.append(Finding(name, block.first_line, f"a function of {length} lines, at most "
                                        f"{FUNCTION_LINES_MAX}: name its parts"))
    return findings


def banned_calls(name: str, text: str, calls: tuple[Call, ...] = CALLS) -> list[Finding]:
    kind = "py" if name.endswith(".py") else "cpp" if name.endswith((".cpp", ".hpp")) else None
    if kind is None:
        return []
    code = strip(text) if kind == "cpp" else text
    findings = []
    for call in calls:
        if call.language != kind or any(re.match(pattern, name) for pattern in call.allowed_in):
            continue
        for match in re.finditer(call.pattern, code):
            line = code.count("\n", 0, match.start()) + 1
            findings.append(Finding(name, line, f"{match.group(0).strip()}: {call.instead}"))
    return findings


# Spelt in two halves, or this file would find itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
MAIL = re.compile(r"[\w.+-]+@([\w-]+(?:\.[\w-]+)*\.[a-z]{2,})\b")
HOME = re.compile(r"(?<![\w.])/(home/[a-z][\w-]*|root|Users/\w+)/")
ADDRESS = re.compile(r"(?<![\w.])(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?![\w.]*\.\w)(?!\w)")
DOCUMENTATION = (("192", "0", "2"), ("198", "51", "100"), ("203", "0", "113"))
UNIT_SUFFIXES = (".service", ".socket", ".timer", ".slice", ".target", ".hpp")


def not_ours(name: str, text: str, root: Path) -> list[Finding]:
    """Words that should not be in the tree: unfinished work, this machine, people."""
    findings = []
    for number, line in enumerate(text.splitlines(), 1):
        for what in words_not_ours(line, root):
            findings.append(Finding(name, number, what))
    return findings


def words_not_ours(line: str, root: Path) -> list[str]:
    found = []
    if match := UNFINISHED.search(line):
        found.append(f'"{match.group(0)}": do it, or open an issue')
    if str(root) in line and len(root.parts) > 2 or HOME.search(line):
        found.append("a path of one machine: use a path relative to the repository, or an example")
    for match in MAIL.finditer(line):
        domain = match.group(1)
        if not re.search(r"(^|\.)(example(\.(com|org|net))?|invalid|localhost)$", domain) \
                and not domain.endswith(UNIT_SUFFIXES):
            found.append(f"{match.group(0)}: an address of a person; examples use example.com")
    for match in ADDRESS.finditer(line):
        parts = match.groups()
        if any(int(part) > 255 for part in parts):
            continue
        if parts[0] not in {"127", "0", "255"} and parts[:3] not in DOCUMENTATION:
            found.append(f"{match.group(0)}: not a loopback or documentation address (192.0.2.0/24, "
                         "198.51.100.0/24, 203.0.113.0/24)")
    return found


def readmes(files: list[Path], root: Path) -> list[Finding]:
    """Every folder with files of ours says in a README what lives there. Folders of tests that
    mirror a room are described by the room's."""
    findings = []
    folders = {path.relative_to(root).parent for path in files if path.suffix in CODE | {".yaml", ".service"}}
    for folder in sorted(folders):
        parts = folder.parts
        if not parts or parts[0].startswith("."):
            continue
        if parts[0] == "tests" and len(parts) > 1:
            mirrored = root.joinpath(*parts[1:])
            if mirrored.is_dir() or parts[-1] == "support":
                continue
        readme = root / folder / "README.md"
        if not readme.is_file():
            findings.append(Finding(f"{folder}/README.md", 1, "missing: say what lives here, what may be "
                                    f"included, how to add one (at most {README_LINES_MAX} lines)"))
    for path in files:
        if path.name == "README.md" and path.parent != root:
            lines = len(path.read_text().splitlines())
            if lines > README_LINES_MAX:
                findings.append(Finding(str(path.relative_to(root)), lines,
                                        f"{lines} lines, at most {README_LINES_MAX}"))
    return findings


def check(root: Path) -> list[Finding]:
    files = files_of(root)
    findings = readmes(files, root)
    for path in files:
        name = str(path.relative_to(root))
        if path.suffix not in TEXT or name == "LICENSE":
            continue
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if path.suffix in CODE:
            findings += too_long(name, text)
        findings += banned_calls(name, text)
        if not name.startswith("tests/style/"):
            findings += not_ours(name, text, root)
    return findings


if __name__ == "__main__":
    main(check, "check_tree")
