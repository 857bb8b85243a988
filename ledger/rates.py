"""How often something may happen: counted in fixed windows, in one atomic step, so that a burst counts too."""

from time import time

import redis
from django.core.cache import cache


def within_rate(key: str, times: int, seconds: int = 60) -> bool:
    """Count one more of ``key``; False when that is more than ``times`` in the running window of so many seconds.

    The window is part of what is counted under: a count that ends while it is asked takes nothing with it. A cache that
    is away, or has lost its keys, is held against nobody.
    """
    counter = f"rate:{key}:{int(time() // seconds)}"
    try:
        try:
            return bool(cache.incr(counter) <= times)
        except ValueError:  # the window's first one; of two at once one is the first
            return cache.add(counter, 1, timeout=seconds * 2) or bool(cache.incr(counter) <= times)
    except (ValueError, redis.RedisError):
        return True


def ends_in(seconds: int) -> float:
    """Return in how many seconds the running window ends."""
    return seconds - time() % seconds
