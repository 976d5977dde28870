"""Waiting for a condition, with an end."""

import time
from typing import Callable, TypeVar

T = TypeVar("T")


class TookTooLong(Exception):
    """Something that should have happened did not."""


def wait_for(condition: Callable[[], T], seconds: float, what: str) -> T:
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TookTooLong(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.05)
