"""The story: a bad release, a broken provider, an old certificate, a database outage."""

import time

from daemon import Daemon
from shop_site import Site
from story import Checks, Teller, seconds
from visitors import Visitors
from waiting import wait_for

BAKES_WITHIN_SECONDS = 40
NOTICED_WITHIN_SECONDS = 30
RECOVERED_WITHIN_SECONDS = 40


class Story:
    def __init__(self, site: Site, daemon: Daemon, visitors: Visitors, teller: Teller):
        self.site, self.daemon, self.visitors, self.teller = site, daemon, visitors, teller
        self.checks = Checks(teller)
        self.rollback: dict = {}
        self.times: list[tuple[str, str]] = []

    def tell(self, who: str, text: str) -> None:
        self.teller.tell(who, text)

    # What people do

    def deploy(self, number: int, bad: bool = False, known_good: bool = False) -> float:
        """Checks a release out, records it, reloads nginx: from there on it is served. Answers when."""
        version = self.site.versions.get(number) or self.site.release(number, bad)
        at = time.time()
        flags = ["--known-good"] if known_good else []
        done = self.daemon.ctl("deploy", "shop", version, *flags)
        self.site.reload()
        self.tell("you", f"deploy release {number}: rollbackctl deploy shop {version[:12]}{' '.join(['', *flags])}")
        if done.returncode != 0:
            self.tell("bad", done.stderr.strip() or done.stdout.strip())
        return at

    def standing(self, number: int) -> str:
        return self.daemon.read(f"/v1/services/shop/versions/{self.site.versions[number]}")["standing"]

    def until_known_good(self, number: int) -> None:
        self.tell("world", f"release {number} bakes: 15 s of good traffic make it known-good")
        wait_for(lambda: self.standing(number) == "known-good", BAKES_WITHIN_SECONDS,
                 f"release {number} to become known-good")
        self.tell("rollbackd", f"release {number} is known-good")

    def incident_of(self, trigger: str, after: float, service: str = "shop") -> dict:
        """The newest incident of a trigger that opened after that moment."""

        def find() -> dict | None:
            for incident in self.daemon.incidents():
                names = [t if isinstance(t, str) else t.get("name", t.get("trigger"))
                         for t in incident["triggers"]]
                if trigger in names and incident["service"] == service \
                        and seconds(incident["opened_at"]) >= after - 1:
                    return incident
            return None

        return wait_for(find, NOTICED_WITHIN_SECONDS, f"an incident of {service}/{trigger}")

    def until(self, incident: dict, *states: str) -> dict:
        def find() -> dict | None:
            now = self.daemon.read(f"/v1/incidents/{incident['id']}")
            return now if now["state"] in states else None

        return wait_for(find, RECOVERED_WITHIN_SECONDS, f"{incident['id']} to be {' or '.join(states)}")

    # The chapters

    def two_good_releases(self) -> None:
        self.teller.title("Two good releases")
        self.deploy(1, known_good=True)
        self.deploy(2)
        self.until_known_good(2)

    def bad_release(self) -> None:
        self.teller.title("Release 3 fails for 4 % of requests")
        deployed = self.deploy(3, bad=True)
        incident = self.until(self.incident_of("errors", deployed), "resolved")
        self.rollback = incident
        seen = self.visitors.errors_between(deployed, time.time())
        self.tell("world", f"visitors saw {len(seen)} errors; the site serves release {self.site.serving} again")
        runs = [(run["playbook"], run["state"]) for run in incident["runs"]]
        self.checks.check(runs == [("code-rollback", "succeeded")], "release 3 was rolled back, once, and verified")
        self.checks.check(self.site.serving == 2, "the site serves release 2, the known-good one")
        self.checks.check(self.standing(3) == "bad", "release 3 is quarantined")
        gate = self.daemon.ctl("gate", "shop", self.site.versions[3]).returncode
        self.checks.check(gate == 1, "rollbackctl gate keeps release 3 out (exit 1)")
        if incident["acted_at"]:
            self.measure(incident, deployed, seen)

    def measure(self, incident: dict, deployed: float, seen: list[float]) -> None:
        first = seen[0] if seen else deployed
        opened, acted = seconds(incident["opened_at"]), seconds(incident["acted_at"])
        ended = seconds(incident.get("recovered_at") or incident["resolved_at"])
        self.times = [
            ("to detect", f"{opened - first:5.1f} s  from the first failed request to the incident"),
            ("to decide", f"{(acted - opened) * 1000:5.0f} ms  from the incident to the first step's record"),
            ("to recover", f"{ended - acted:5.1f} s  from the first step to the verified recovery"),
            ("altogether", f"{ended - deployed:5.1f} s  from the deployment to the verified recovery"),
            ("visitors", f"{len(seen):5d}    failed requests of {self.visitors.requests} so far"),
        ]

    def broken_provider(self) -> None:
        self.teller.title("Release 4 is good; then four payment webhooks fail in a row")
        self.deploy(4)
        self.until_known_good(4)
        began = time.time()
        self.site.shop.provider_broken = True
        self.tell("world", "the payment provider's webhooks start to fail")
        incident = self.until(self.incident_of("webhooks", began), "resolved")
        letters = {refusal["letter"] for refusal in incident["refusals"]}
        runs = [(run["playbook"], run["state"]) for run in incident["runs"]]
        self.checks.check("a" in letters and self.site.serving == 4,
                          "no recent deployment to blame: release 4 stayed (letter a)")
        self.checks.check(runs == [("payments-off", "succeeded")] and not self.site.shop.payments_on(),
                          "the next rung switched payments off instead, verified")
        failed = [status for status in self.visitors.webhook_answers if status >= 500]
        self.checks.check(len(failed) >= 4, f"it took the fourth failure in a row ({len(failed)} failed)")
        self.site.shop.provider_broken = False
        env = self.site.folder / "shop.env"
        env.write_text(env.read_text().replace("PAYMENTS=off", "PAYMENTS=on"))
        self.tell("you", "the provider is back: PAYMENTS=on again")

    def old_certificate(self) -> None:
        self.teller.title("A certificate with 10 days left")
        began = time.time()
        self.site.certificate(days=10)
        self.tell("world", "nginx serves a certificate that ends in 10 days")
        incident = self.incident_of("tls-soon", began)
        self.checks.check(not incident["runs"] and incident["severity"] == "P2",
                          "the certificate is an alert (P2) and nothing was done")

    def database_outage(self) -> None:
        self.teller.title("The database dies in the same minute as a deployment")
        began = self.deploy(5)
        self.site.database.down()
        self.tell("world", "the database is gone; the cart answers 502")
        incident = self.incident_of("errors", began)

        def refused() -> dict | None:
            now = self.daemon.read(f"/v1/incidents/{incident['id']}")
            return now if now["refusals"] else None

        incident = wait_for(refused, 10, "the refusal")
        guards = {refusal["guard"]: refusal["letter"] for refusal in incident["refusals"]}
        self.checks.check(guards.get("dependency_failing") == "c",
                          "the database is to blame, not release 5: held (letter c), people told")
        self.site.database.up()
        self.tell("world", "the database is back")
        incident = self.until(incident, "resolved")
        # A rollback may have been proposed to people; none may have begun.
        begun = [step for run in incident["runs"] for step in run["steps"] if step["started_at"]]
        self.checks.check(not begun and self.site.serving == 5, "release 5 was not rolled back")

    def run(self) -> None:
        self.two_good_releases()
        self.bad_release()
        self.broken_provider()
        self.old_certificate()
        self.database_outage()
