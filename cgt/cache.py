"""The cache in Redis. Its client is kept: making one with each question costs more than the question."""

from __future__ import annotations

from typing import Any

import redis
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis.exceptions import TimeoutError as NoAnswer

from cgt.patience import Patience


class Impatient(redis.Redis):
    """A client that does not ask again at once what has not answered in time."""

    patience: Patience

    def execute_command(self, *args: Any, **options: Any) -> Any:
        if self.patience.is_over:
            raise NoAnswer("Redis did not answer a moment ago.")
        try:
            return super().execute_command(*args, **options)
        except NoAnswer:
            self.patience.lose()
            raise


# Each request is counted: whether there is something to count on is asked in the same question.
COUNT = "return redis.call('exists', KEYS[1]) == 1 and redis.call('incrby', KEYS[1], ARGV[1])"


class KeptClient(RedisCacheClient):
    _client: Any  # as Django keeps them: the stubs do not say so
    _get_connection_pool: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._client = Impatient
        self._patience = Patience()
        self._of_pool: dict[int, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        pool = self._get_connection_pool(write)
        if id(pool) not in self._of_pool:  # pools live as long as this does
            client = self._of_pool[id(pool)] = self._client(connection_pool=pool)
            client.patience = self._patience
        return self._of_pool[id(pool)]

    def incr(self, key: Any, delta: int = 1) -> int:
        found = self.get_client(key, write=True).eval(COUNT, 1, key, delta)
        if found is None:
            raise ValueError(f"Key '{key}' not found.")
        return int(found)


class Cache(RedisCache):
    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = KeptClient
