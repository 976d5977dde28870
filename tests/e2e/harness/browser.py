"""A real Chromium with one page, as a person uses it: by names and roles, never by what the page is made of."""

import json
import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = Path(os.environ.get("ROLLBACKD_TEST_BROWSER", ROOT / "build/tools/browser"))
BRIDGE = ROOT / "tests/e2e/browser/bridge.mjs"
CHROMIUM = shutil.which("chromium")
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 900}


def why_no_browser() -> str | None:
    if CHROMIUM is None:
        return "Chromium is not installed (scripts/setup tests)"
    if shutil.which("node") is None or not (PACKAGES / "node_modules/playwright-core").is_dir():
        return "playwright-core is not there (scripts/setup tests fetches it with npm)"
    return None


class Browser:
    def __init__(self, url: str):
        self.url = url
        self.process = subprocess.Popen(["node", str(BRIDGE), str(PACKAGES), str(CHROMIUM)], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def close(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def chain(self, *calls: list, on: str = "page"):
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"on": on, "chain": list(calls)}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "the browser has ended"
        answer = json.loads(line)
        assert "error" not in answer, f"{calls}: {answer['error']}"
        return answer.get("value")

    # Doing

    def open(self, route: str = "/") -> None:
        self.chain(["goto", f"{self.url}/#{route}"])

    def reload(self) -> None:
        self.chain(["reload"])

    def sign_in(self, token: str, route: str = "/") -> None:
        self.open(route)
        self.fill("Token", token)
        self.click("button", "Sign in")
        self.sees("live")

    def click(self, role: str, name: str) -> None:
        self.chain(["getByRole", role, {"name": name}], ["first"], ["click"])

    def answer(self, name: str) -> None:
        """Presses a button of the dialog that is open."""
        self.chain(["getByRole", "dialog"], ["getByRole", "button", {"name": name}], ["click"])

    def fill(self, label: str, text: str) -> None:
        self.chain(["getByLabel", label], ["first"], ["fill", text])

    def choose(self, label: str, option: str) -> None:
        self.chain(["getByLabel", label], ["selectOption", option])

    def check(self, label: str) -> None:
        self.chain(["getByLabel", label], ["check"])

    def press(self, *keys: str) -> None:
        """Goes to whatever has the focus."""
        for key in keys:
            self.chain(["press", key], on="keyboard")

    def type(self, text: str) -> None:
        self.chain(["type", text], on="keyboard")

    # Seeing: each waits until it is so

    def sees(self, text: str) -> None:
        self.chain(["getByText", text], ["first"], ["waitFor"])

    def sees_role(self, role: str, name: str) -> None:
        self.chain(["getByRole", role, {"name": name}], ["first"], ["waitFor"])

    def sees_none(self, role: str, name: str) -> None:
        self.chain(["getByRole", role, {"name": name}], ["first"], ["waitFor", {"state": "hidden"}])

    def loses(self, text: str) -> None:
        self.chain(["getByText", text], ["first"], ["waitFor", {"state": "hidden"}])

    def until(self, script: str) -> None:
        self.chain(["waitForFunction", script])

    def text(self, selector: str = "body") -> str:
        return self.chain(["locator", selector], ["first"], ["innerText"])

    def run(self, script: str, argument: object = None):
        return self.chain(["evaluate", f"({script})({json.dumps(argument)})"])

    def errors(self) -> list[str]:
        """What the page's console complained about."""
        return self.chain(["errors"], on="log")

    # Looking

    def size(self, size: dict[str, int]) -> None:
        self.chain(["setViewportSize", size])

    def colours(self, scheme: str) -> None:
        self.chain(["emulateMedia", {"colorScheme": scheme}])

    def screenshot(self, path: Path, whole: bool = True) -> None:
        self.chain(["screenshot", {"path": str(path), "fullPage": whole}])

    def accessibility(self) -> list[str]:
        """Findings of axe, a line each."""
        self.chain(["evaluate", (PACKAGES / "node_modules/axe-core/axe.min.js").read_text() + "; 0"])
        found = self.chain(["evaluate", """axe.run(document, { resultTypes: ['violations'] }).then((result) =>
            result.violations.flatMap((rule) => rule.nodes.map((node) =>
                `${rule.id}: ${node.target.join(' ')}: ${node.failureSummary}`)))"""])
        return found
