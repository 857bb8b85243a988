"""The demonstration's clock: real time, and as far ahead of it as somebody has advanced it. It never goes back.

How far ahead is one number in Redis. Every web and Celery worker asks it when a request or task begins, and at most
once a second in between; ``django.utils.timezone.now``, the only clock that the house asks, is moved by it.
What must stay real stays real: Celery's schedule, cookies, lock-outs and one-time passwords do not ask that clock.
"""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from django.core.cache import cache
from django.core.signals import request_started
from django.utils import timezone
from redis.exceptions import RedisError

KEY = "demo-seconds-ahead"
FRESH_FOR = 1.0  # seconds of the machine's own, unmoved clock
_machine_now: Callable[[], dt.datetime] = timezone.now
_known: tuple[int, float] = (0, float("-inf"))  # seconds ahead, when that was asked; replaced as one, so threads agree


def install() -> None:
    """Let ``timezone.now`` tell fictional time in this process. Called by the settings of a demonstration only."""
    if timezone.now is not now:
        timezone.now = now
    request_started.connect(_ask_again, dispatch_uid="cgt.demo.fictional_time")


def follow_in_tasks() -> None:
    """Let each Celery task begin with the newest word on the time."""
    from celery.signals import task_prerun

    task_prerun.connect(_ask_again, dispatch_uid="cgt.demo.fictional_time")


def now() -> dt.datetime:
    """Return the fictional time (aware, in UTC)."""
    return _machine_now() + dt.timedelta(seconds=seconds_ahead())


def machine_now() -> dt.datetime:
    """Return the machine's own time (aware, in UTC)."""
    return _machine_now()


def seconds_ahead() -> int:
    """Return how far fictional time is ahead of the machine's."""
    if time.monotonic() - _known[1] > FRESH_FOR:
        _ask_again()
    return _known[0]


def go_ahead(seconds: int) -> None:
    """Move time forward for everybody."""
    if seconds <= 0:
        raise ValueError("time does not go back")
    cache.add(KEY, 0, timeout=None)
    cache.incr(KEY, seconds)
    _ask_again()


def begin_at(seconds: int) -> None:
    """State how far ahead time is, when a demonstration starts: nothing for a new one, as recorded for an old one."""
    global _known
    cache.set(KEY, seconds, timeout=None)
    _known = (seconds, time.monotonic())


def _ask_again(**_: Any) -> None:
    """Read the number; when Redis is away or has lost it, what is known stays true."""
    global _known
    found = None
    with suppress(RedisError, OSError):
        found = cache.get(KEY)
    _known = (_known[0] if found is None else int(found), time.monotonic())
