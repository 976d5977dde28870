"""The only place of the tests that sleeps: between two looks at a condition."""

import time
from typing import Callable, TypeVar

T = TypeVar("T")
LOOK_EVERY_SECONDS = 0.02
# A limit says when to give up, never what is right: several tests share the processors.
PATIENCE = 3


def wait_for(condition: Callable[[], T], timeout: float = 15.0, what: str = "") -> T:
    """Answers the first truthy value of `condition`. A failed assertion in it counts as "not yet"."""
    deadline = time.monotonic() + PATIENCE * timeout
    last: object = None
    while True:
        try:
            last = condition()
            if last:
                return last
        except (AssertionError, ConnectionError, KeyError, IndexError, StopIteration) as error:
            last = repr(error)
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE * timeout} s for {what or condition}; last: {str(last)[:2000]}")
        time.sleep(LOOK_EVERY_SECONDS)


def settled(value: Callable[[], T], quiet: float = 0.6, timeout: float = 20.0) -> T:
    """The value once it has not changed for `quiet` seconds: for "and nothing more happens"."""
    deadline = time.monotonic() + PATIENCE * timeout
    last, since = value(), time.monotonic()
    while time.monotonic() - since < quiet:
        assert time.monotonic() < deadline, f"never quiet for {quiet} s; last: {last}"
        time.sleep(LOOK_EVERY_SECONDS)
        if (now := value()) != last:
            last, since = now, time.monotonic()
    return last
