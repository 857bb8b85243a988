"""What the demonstration adds to pages: its clock, whose turn it is with a click, codes to scan, passwords, the tour.

One context processor, present in the settings of a demonstration only; everything is found when a template asks.
"""

from __future__ import annotations

import datetime as dt
import json
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from cgt.demo import examples, moments, people, scan_tray, tour, tour_stops
from ledger.context import Actor, reading
from ledger.refusals import NotFound
from orders import flow, queries
from orders.actions.destruction import WITNESSES
from orders.states import StepState
from orders.views.sheets import sheet_of
from orders.views.station_column import column
from personas.queries import people_with
from personas.states import Capability

MOST_COLLEAGUES = 4
BEGINNER = ("linden", "coordinator")


def demonstration(request: HttpRequest) -> dict[str, Any]:
    """Provide ``demonstration`` to every page."""
    return {"demonstration": Demonstration(request)}


class Demonstration:
    """The page's view of the demonstration; each part is read when it is first asked for."""

    password = settings.DEMO_PASSWORD

    def __init__(self, request: HttpRequest) -> None:
        self.request = request
        self.actor: Actor | None = getattr(request, "actor", None)
        match = request.resolver_match
        self.code: str = match.kwargs.get("code", "") if match else ""
        self.key: str = (match.kwargs.get("key", "") if match else "") or getattr(request, "open_step", "")
        self.path = request.path if request.method == "POST" else request.get_full_path()

    @property
    def now(self) -> dt.datetime:
        return timezone.now()

    @property
    def zone(self) -> str:
        return self.actor.zone if self.actor else "UTC"

    @cached_property
    def everybody(self) -> list[people.FictionalPerson]:
        return people.everybody()

    @property
    def beginner(self) -> people.FictionalPerson | None:
        """Who takes an order from enrolment to infusion: the first person that a newcomer should be."""
        try:
            return people.person_at(*BEGINNER, self.everybody)
        except NotFound:
            return None

    @cached_property
    def order(self) -> Any:
        """The order that the page is about, if it is about one that the actor sees."""
        if self.actor is None or not self.code:
            return None
        with reading(self.actor):
            try:
                return flow.order_named(self.actor, self.code)
            except NotFound:
                return None

    @cached_property
    def step(self) -> Any:
        """The step that the page is about; at a station the one that is open."""
        if self.actor is None or self.order is None:
            return None
        with reading(self.actor):
            key = self.key or self._open_at_station()
            try:
                return queries.step_of(self.actor, self.order, key) if key else None
            except NotFound:
                return None

    def _open_at_station(self) -> str:
        match = self.request.resolver_match
        if self.actor is None or match is None or match.url_name != "station":
            return ""
        wanted = self.request.POST.get("step") or self.request.GET.get("step", "")
        entries = column(self.actor, self.order, wanted)
        return next((entry.step.key for entry in entries if entry.state == "current"), "")

    @cached_property
    def next_moment(self) -> moments.Moment | None:
        if self.actor is None or (self.code and self.order is None):
            return None
        with reading(self.actor):
            return moments.next_moment(self.actor, self.order)

    @cached_property
    def turns(self) -> list[dict[str, Any]]:
        """The order's ready steps with the people who may do them, at most one for each persona."""
        if self.actor is None or self.order is None:
            return []
        with reading(self.actor):
            ready = [
                act.step for act in flow.next_actions(self.actor, self.order)
            ]  # a courier's page names its own only
            return [
                {
                    "key": step.key,
                    "title": step.flow_step.title,
                    "url": reverse("orders:step", args=[self.order.code, step.key]),
                    "people": people.who_may(self.actor, self.order, step),
                }
                for step in ready
                if self.key in ("", step.key) or self.step is None or self.step.state != StepState.READY
            ]

    @property
    def elsewhere(self) -> list[dict[str, Any]]:
        """Those of the turns that the page itself does not tell: a courier sees its own part of an order only."""
        if self.actor is None or not self.turns:
            return []
        with reading(self.actor):
            seen = set(
                queries.steps_of(self.actor, self.order).filter(state=StepState.READY).values_list("key", flat=True)
            )
        return [turn for turn in self.turns if turn["key"] not in seen]

    @property
    def decision(self) -> dict[str, Any]:
        """Who decides how an order goes on after a lost batch, as a turn: it is no step of the flow."""
        if self.actor is None or self.order is None:
            return {}
        url = reverse("orders:remanufacture", args=[self.order.code])
        site = self.order.center_site_id
        return {"url": url, "people": people.who_can(self.actor, self.order.center_id, Capability.PRESCRIBE, site)}

    @property
    def lifting(self) -> dict[str, Any]:
        """Who lifts an identity query, as a turn: quality of both firms."""
        if self.actor is None or self.order is None:
            return {}
        firms, right = (self.order.center_id, self.order.manufacturer_id), Capability.RESOLVE_IDENTITY
        found = [person for firm in firms for person in people.who_can(self.actor, firm, right, None)]
        return {"url": reverse("orders:identity", args=[self.order.code]), "people": found}

    @cached_property
    def tray(self) -> list[scan_tray.TrayCode]:
        """Codes to scan on the order's pages; none on the page of a step that asks for no scan."""
        if self.actor is None or self.order is None:
            return []
        if self.step is not None and not scan_tray.takes_scans(queries.inputs_of(self.step)()):
            return []
        with reading(self.actor):
            return scan_tray.codes(self.actor, self.order, self.step.flow_step.kind if self.step else "")

    @cached_property
    def example(self) -> str:
        """What somebody would plausibly enter here, as JSON: field name -> value; empty if there is nothing."""
        match = self.request.resolver_match
        if match is not None and match.view_name == "orders:new":
            return json.dumps(examples.example_of_patient())
        if self.actor is None or self.step is None or self.step.state != StepState.READY:
            return ""
        with reading(self.actor):
            found = examples.example_of(self.actor, self.order, self.step)
        return json.dumps(found) if found else ""

    @cached_property
    def colleagues(self) -> list[dict[str, str]]:
        """User names and names of those who may sign as second person on this page."""
        if self.actor is None:
            return []
        found = {}
        with reading(self.actor):
            for organization_id, capability, site_id in self._who_may_sign_second():
                for user in people_with(organization_id, capability, site_id):
                    if user.person is not None and user.person_id != self.actor.person_id:
                        found[user.person_id] = {"username": user.username, "name": user.person.name}
        return list(found.values())[:MOST_COLLEAGUES]

    def _who_may_sign_second(self) -> list[tuple[Any, str, Any]]:
        """Return organization, capability and site of second persons: of the step, or of an act on the order."""
        assert self.actor is not None  # noqa: S101 - asked by the caller
        match = self.request.resolver_match
        if match is not None and match.view_name == "orders:committee":
            return [(self.actor.organization_id, Capability.DECIDE_RANK, None)]
        if self.order is None:
            return []
        if match is not None and match.view_name == "orders:identity":
            others = {self.order.center_id, self.order.manufacturer_id} - {self.actor.organization_id}
            return [(organization_id, Capability.RESOLVE_IDENTITY, None) for organization_id in others]
        if match is not None and match.view_name in ("orders:destroy", "orders:take_back"):
            return [(self.actor.organization_id, capability, None) for capability in WITNESSES]
        rule = sheet_of(self.actor, self.order, self.step).rule if self.step is not None else None
        if rule is None:
            return []
        return [(pk, rule.capability, site_id) for pk in rule.organization_ids for site_id in rule.site_ids or (None,)]

    @cached_property
    def other_side(self) -> people.FictionalPerson | None:
        """At a stop of the tour about one order seen from two sides: who sees it from the other one."""
        stop = self.tour.current.stop if self.tour and self.tour.current else None
        if stop is None or not stop.two_sides or self.actor is None or self.order is None:
            return None
        if self.actor.organization_id == self.order.center_id:
            return people.person_at(stop.organization, stop.persona, self.everybody)
        with reading(self.actor):
            found = people.who_can(self.actor, self.order.center_id, Capability.BOOK_SLOTS, None)
        return next(iter(found), None)

    @cached_property
    def tour(self) -> tour.Tour | None:
        """The guided tour, if one was begun in this browser; what this page shows of it counts as seen."""
        if getattr(self.request, "refused_days", 0):
            tour.note_seen(self.request, tour_stops.REFUSED_DAYS)
        match = self.request.resolver_match
        if match is not None and match.view_name == "orders:record":
            tour.note_seen(self.request, tour_stops.HISTORY)
        return tour.of(self.request)
