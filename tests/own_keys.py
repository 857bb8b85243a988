"""The keys that this test process has in Valkey: its neighbors have theirs in the same one."""

import redis
from django.conf import settings


def forget_own_keys() -> None:
    """Delete what this process keeps there. ``cache.clear()`` would empty it for all of them."""
    broker = redis.Redis.from_url(settings.REDIS_URL)
    for key in broker.scan_iter(match=f"{settings.NAMESPACE}:*", count=1000):
        broker.delete(key)
    broker.close()
