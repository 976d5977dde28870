"""What the end-to-end tests stand on: the real daemon and command line, an application that can be
broken on demand, a git repository, a webhook sink. Python's standard library only."""

from harness.api import Answer, Api
from harness.app import App
from harness.daemon import BINARIES, Daemon
from harness.net import Dependency, free_port
from harness.repository import Repository
from harness.sink import Sink
from harness.waiting import settled, wait_for
from harness.world import World

__all__ = ["Answer", "Api", "App", "BINARIES", "Daemon", "Dependency", "Repository", "Sink", "World",
           "free_port", "settled", "wait_for"]
