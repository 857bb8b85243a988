"""A demonstration within the test process: its settings, its addresses, its clock, all gone after the test."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import pytest
from django.core.cache import cache
from django.urls import clear_url_caches
from django.utils import timezone

from cgt.demo import events, fictional_time, pages, tour, tour_stops  # noqa: F401
from tests.demo import urls  # noqa: F401 - the usual addresses are read while this is no demonstration
from tests.orders.factories import World, make_world

PASSWORD = "the-demonstration-password"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fictional time in this process, beginning at the machine's."""
    monkeypatch.setattr(timezone, "now", fictional_time.now)
    fictional_time.begin_at(0)
    yield
    fictional_time.begin_at(0)
    cache.delete(fictional_time.KEY)


@pytest.fixture
def demonstration(settings: Any, monkeypatch: pytest.MonkeyPatch, clock: None) -> Iterator[None]:
    """Pages as in a demonstration."""
    templates = deepcopy(settings.TEMPLATES)
    templates[0]["OPTIONS"]["context_processors"].append("cgt.demo.pages.demonstration")
    settings.TEMPLATES, settings.DEMO, settings.ROOT_URLCONF = templates, True, "tests.demo.urls"
    settings.SESSION_COOKIE_AGE = 10 * 365 * 86400  # as in a demonstration: sessions survive fictional days
    monkeypatch.setattr(pages.Demonstration, "password", PASSWORD)
    clear_url_caches()
    yield
    clear_url_caches()


@pytest.fixture
def world(db: None) -> World:
    return make_world()


@pytest.fixture
def stops(world: World, monkeypatch: pytest.MonkeyPatch) -> tuple[tour_stops.Stop, ...]:
    """The tour's stops at the organizations of this world."""
    here = {"linden": world.center.code, "borealis": world.maker.code, "swift": world.courier.code}
    found = tuple(replace(stop, organization=here[stop.organization]) for stop in tour_stops.STOPS)
    for stop in found:
        role = next(name for name in ("center", "maker", "courier") if getattr(world, name).code == stop.organization)
        world.member(role, stop.persona)
    monkeypatch.setattr(tour, "STOPS", found)
    return found
