"""How often something may happen: counted in fixed windows, in one atomic step, so that a burst counts too."""

from time import time

from django.core.cache import cache


def within_rate(key: str, times: int, seconds: int = 60) -> bool:
    """Count one more of ``key``; False when that is more than ``times`` in the running window of so many seconds.

    The window is part of what is counted under: a count that ends while it is asked takes nothing with it.
    """
    counter = f"rate:{key}:{int(time() // seconds)}"
    cache.add(counter, 0, timeout=seconds * 2)
    try:
        return bool(cache.incr(counter) <= times)
    except ValueError:  # the cache lost its keys in between: nothing is known against anybody
        return True
