"""A git repository with releases, checked out as a deployment would."""

import os
import subprocess
from pathlib import Path


class Repository:
    """Releases by name; each is a commit whose `behaviour` file says how the application acts."""

    def __init__(self, path: Path):
        self.path = path
        self.versions: dict[str, str] = {}
        path.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        environment = dict(
            os.environ, GIT_AUTHOR_NAME="A Developer", GIT_AUTHOR_EMAIL="dev@example.com",
            GIT_COMMITTER_NAME="A Developer", GIT_COMMITTER_EMAIL="dev@example.com",
            GIT_CONFIG_GLOBAL="/dev/null", GIT_CONFIG_SYSTEM="/dev/null",
        )
        done = subprocess.run(["git", "-C", str(self.path), *arguments], env=environment,
                              capture_output=True, text=True)
        assert done.returncode == 0, f"git {' '.join(arguments)}: {done.stderr}"
        return done.stdout.strip()

    def release(self, name: str, behaviour: str = "ok", files: dict[str, str] | None = None) -> str:
        """Commits a release and checks it out; answers its version."""
        for file, text in {"behaviour": behaviour, "release": name, **(files or {})}.items():
            (self.path / file).parent.mkdir(parents=True, exist_ok=True)
            (self.path / file).write_text(text + "\n")
        self.git("add", "-A")
        self.git("commit", "-q", "-m", f"Release {name}")
        self.versions[name] = self.git("rev-parse", "HEAD")
        return self.versions[name]

    def prepare(self, name: str, behaviour: str = "ok") -> str:
        """Commits a release without touching what is served: answers its version."""
        aside = self.path.parent / f"{self.path.name}-{name}"
        self.git("worktree", "add", "-q", "--detach", str(aside))
        (aside / "behaviour").write_text(behaviour + "\n")
        (aside / "release").write_text(name + "\n")
        self.git("-C", str(aside), "commit", "-q", "-a", "-m", f"Release {name}")
        self.versions[name] = self.git("-C", str(aside), "rev-parse", "HEAD")
        self.git("worktree", "remove", str(aside))
        return self.versions[name]

    def checkout(self, name: str) -> str:
        self.git("checkout", "-q", "--detach", self.versions[name])
        return self.versions[name]

    @property
    def head(self) -> str:
        return self.git("rev-parse", "HEAD")
