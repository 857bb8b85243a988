"""Counting in windows: so many, then no more, then anew; and nobody is locked out by a cache that is away."""

import pytest
from django.core.cache.backends.redis import RedisCache

from ledger import rates
from ledger.identifiers import new_id
from ledger.rates import ends_in, within_rate


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> dict[str, float]:
    now = {"at": 1_800_000_030.0}
    monkeypatch.setattr(rates, "time", lambda: now["at"])
    return now


def test_so_many_in_a_window_then_no_more_then_anew(clock: dict[str, float]) -> None:
    key, other = str(new_id()), str(new_id())
    assert [within_rate(key, 2) for _ in range(4)] == [True, True, False, False]
    assert within_rate(other, 2)
    assert ends_in(60) == 30
    clock["at"] += ends_in(60)
    assert within_rate(key, 2)


def test_a_cache_that_is_away_is_held_against_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "cache", RedisCache("redis://127.0.0.1:1", {}))
    assert [within_rate("anybody", 1) for _ in range(3)] == [True] * 3
