"""Five minutes in the product: a few stops, each with a click that takes you there and checks read from the record.

The browser's session holds when the tour began, where it stands and which sights were seen; all else the record says.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from cgt.demo import people
from cgt.demo.tour_stops import STOPS, Check, Stop
from ledger.context import Actor, reading
from ledger.refusals import NotFound

SESSION_KEY = "demo_tour"
BEGIN_ANEW = "Stop the demonstration and start it with --fresh to have everything anew."


@dataclass(frozen=True)
class Checked:
    """A check with what the record says about it."""

    text: str
    passed: bool


@dataclass(frozen=True)
class StopOnTour:
    """A stop as the panel shows it."""

    number: int
    stop: Stop
    checks: list[Checked]
    current: bool

    @property
    def passed(self) -> bool:
        return all(check.passed for check in self.checks)

    @property
    def half(self) -> bool:
        """Whether the rest of the stop is seen elsewhere: going there again is what comes next."""
        return bool(self.stop.again) and not self.passed and any(check.passed for check in self.checks)


class Tour:
    """A tour that was begun in this browser."""

    def __init__(self, begun: dt.datetime, at: str, seen: tuple[str, ...] = ()) -> None:
        self.begun, self.at, self.seen = begun, at, seen

    @cached_property
    def stops(self) -> list[StopOnTour]:
        known = people.everybody()
        found = []
        for number, stop in enumerate(STOPS, start=1):
            actor = people.acting_as(_person(stop, known))
            with reading(actor):
                checks = [Checked(check.text, self._passed(check, actor)) for check in stop.checks]
            found.append(StopOnTour(number, stop, checks, current=stop.key == self.at))
        return found

    def _passed(self, check: Check, actor: Actor) -> bool:
        return check.seen in self.seen if check.seen else check.happened(actor, self.begun)

    @property
    def current(self) -> StopOnTour | None:
        """The stop one was taken to last."""
        return next((stop for stop in self.stops if stop.current), None)

    @property
    def upcoming(self) -> StopOnTour | None:
        """The next stop that is not passed, beginning after the current one."""
        number = self.current.number if self.current else 0
        turned = self.stops[number:] + self.stops[:number]
        return next((stop for stop in turned if not stop.passed and not stop.current), None)

    @property
    def finished(self) -> bool:
        return all(stop.passed for stop in self.stops)


def of(request: HttpRequest) -> Tour | None:
    """Return the tour of this browser; None if there is none."""
    kept = request.session.get(SESSION_KEY)
    if not isinstance(kept, dict):
        return None
    begun = parse_datetime(kept.get("begun", ""))
    return Tour(begun, str(kept.get("at", "")), tuple(kept.get("seen", ()))) if begun is not None else None


def begin(request: HttpRequest) -> None:
    request.session[SESSION_KEY] = {"begun": timezone.now().isoformat(), "at": ""}


def end(request: HttpRequest) -> None:
    request.session.pop(SESSION_KEY, None)


def stand_at(request: HttpRequest, stop: Stop) -> None:
    """Remember the stop one was taken to; going to a stop begins a tour that was not begun."""
    if of(request) is None:
        begin(request)
    request.session[SESSION_KEY] = request.session[SESSION_KEY] | {"at": stop.key}


def note_seen(request: HttpRequest, sight: str) -> None:
    """Remember that a page has shown what a stop is about; only while a tour is under way."""
    found = of(request)
    if found is not None and sight not in found.seen:
        request.session[SESSION_KEY] = request.session[SESSION_KEY] | {"seen": [*found.seen, sight]}


def stop_named(key: str) -> Stop:
    """Return a stop; NotFound for a key that is none."""
    stop = next((stop for stop in STOPS if stop.key == key), None)
    if stop is None:
        raise NotFound()
    return stop


def way_to(stop: Stop) -> tuple[people.FictionalPerson, str]:
    """Return who goes there and the address; NotFound when nothing in the demonstration fits any more."""
    person = _person(stop, people.everybody())
    actor: Actor = people.acting_as(person)
    with reading(actor):
        return person, stop.find(actor)


def _person(stop: Stop, known: list[people.FictionalPerson]) -> people.FictionalPerson:
    return people.person_at(stop.organization, stop.persona, known)
