"""The cache in Redis. Its client is kept: making one with each question costs more than the question."""

from __future__ import annotations

from typing import Any

from django.core.cache.backends.redis import RedisCache, RedisCacheClient


class KeptClient(RedisCacheClient):
    _client: Any  # as Django keeps them: the stubs do not say so
    _get_connection_pool: Any

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._of_pool: dict[int, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        pool = self._get_connection_pool(write)
        if id(pool) not in self._of_pool:  # pools live as long as this does
            self._of_pool[id(pool)] = self._client(connection_pool=pool)
        return self._of_pool[id(pool)]


class Cache(RedisCache):
    def __init__(self, server: Any, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = KeptClient
