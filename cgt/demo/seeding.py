"""Fills a demo database: the network, then a few dozen orders in every phase, each made by the real actions."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from django.utils import timezone

from cgt.demo import allocation, clock, oddities, patients
from cgt.demo.journey import Journey, Player
from cgt.demo.network import DemoNetwork
from ledger import outbox
from ledger.context import reading
from ledger.refusals import Conflict
from orders import codes, flow
from orders.actions.interruptions import cancel, put_on_hold
from orders.attempts import plan_time
from personas.queries import system_actor
from quality.actions.deviations import open_deviation

# How long after the step before a step happens, in hours; a plan time (from the slot chain) where one is named.
PACE: dict[str, float | str] = {
    "activate_coi": 1,
    "consent": 20,
    "eligibility": 4,
    "prescribe": 18,
    "book": 2,
    "request": 1,
    "confirm": 16,
    "accept_job": 4,
    "kit": "collection_start",
    "readiness": 3,
    "identify": "collection_start",
    "labels": 0.1,
    "apply_labels": 0.1,
    "start_collection": 0.2,
    "collect": "collection_end",
    "pack": 1,
    "pickup": "pickup",
    "delivery": "arrival",
    "receipt": 1,
    "start": "manufacture_start",
    "finish": 9 * 24,
    "label_product": 0.2,
    "qc": 3.5 * 24,
    "review": 20,
    "release": 4,
    "ship_go": 8,
    "ship": 16,
    "ship_pickup": 2,
    "ship_delivery": 15,
    "receive_product": 1,
    "store": 0.5,
    "ld_go": 24,
    "issue": 6 * 24,
    "thaw": 0.5,
    "bedside": 0.5,
    "infuse": 0.3,
    "close": 48,
    "allocate": 12,
    "go": 20,
    "prepare": 0.5,
    "administer": 0.5,
}
TRIES = 5

VECTOR_LOT = "VL-2026-07"  # that every product of the demonstration was made with


@dataclass(frozen=True)
class Plot:
    """One order to make: whose, of what, how far, and what happens to it."""

    center: str
    therapy: str
    before: str  # the step that is next when the order is left alone; "" runs to the end
    twist: str = ""


# Every desk has something to do, something late and something today; the tour's stops are among them.
PLOTS = (
    Plot("linden", "auralcel", "activate_coi"),
    Plot("isar", "borocel", "consent"),
    Plot("linden", "auralcel", "prescribe"),
    Plot("linden", "borocel", "book"),
    Plot("linden", "auralcel", "book", "late"),
    Plot("linden", "boromyel", "request"),
    Plot("linden", "borocel", "confirm", "declined"),
    Plot("linden", "borocel", "confirm"),
    Plot("isar", "borocel", "confirm", "late"),
    Plot("harbor", "auralcel", "confirm"),
    Plot("linden", "boromyel", "accept_job"),
    Plot("linden", "borocel", "kit"),
    Plot("linden", "auralcel", "kit", "on_hold"),
    Plot("linden", "auralcel", "readiness"),
    Plot("linden", "borocel", "identify"),
    Plot("linden", "boromyel", "collect"),
    Plot("isar", "auralcel", "pack"),
    Plot("linden", "borocel", "pickup"),
    Plot("isar", "boromyel", "pickup"),
    Plot("harbor", "auralcel", "delivery"),
    Plot("linden", "borocel", "receipt"),
    Plot("isar", "borocel", "receipt"),
    Plot("linden", "boromyel", "start", "too_warm"),
    Plot("isar", "borocel", "finish"),
    Plot("linden", "borocel", "qc"),
    Plot("isar", "auralcel", "qc", "late"),
    Plot("isar", "borocel", "review", "failed_result"),
    Plot("linden", "borocel", "review"),
    Plot("linden", "borocel", "release", "open_item"),
    Plot("isar", "borocel", "release"),
    Plot("linden", "auralcel", "ship_go"),
    Plot("linden", "borocel", "ship_pickup"),
    Plot("linden", "auralcel", "ship_delivery"),
    Plot("linden", "borocel", "receive_product"),
    Plot("linden", "boromyel", "ld_go"),
    Plot("linden", "auralcel", "issue"),
    Plot("linden", "borocel", "bedside"),
    Plot("linden", "borocel", ""),
    Plot("harbor", "auralcel", "book", "cancelled"),
    Plot("linden", "auravec", "allocate"),
    Plot("harbor", "auravec", "ship"),
    Plot("isar", "auravec", "receive_product"),
    Plot("harbor", "auravec", ""),
    Plot("linden", "boromyel", "finish", "lost_batch"),
    Plot("linden", "boromyel", "book", "waits"),
    Plot("linden", "boromyel", "book", "waits"),
    Plot("linden", "boromyel", "book", "waits"),
    Plot("harbor", "auralcel", "accept_job", "ahead"),
    Plot("isar", "boromyel", "book", "asks"),
    Plot("linden", "boromyel", "finish", "reserve"),
    Plot("isar", "auralcel", "accept_job"),
)
# Days from today to the collection of an order that waits at this step: what happens at the chair happens today.
COLLECTED_IN = {
    "accept_job": 4,
    "kit": 1,
    "readiness": 1,
    "identify": 0,
    "collect": 0,
    "pack": 0,
    "pickup": 0,
    "delivery": -1,
    "receipt": -1,
    "start": -2,
}
AHEAD_DAYS = 12  # far enough to be moved on the planner's board
CHAIR_OPENS = dt.time(7)
LATE_HOURS = 40
RETURN_HOURS = 17  # from packing a product to its delivery
LONG_HOURS = 96


def plots() -> list[Plot]:
    """Return what the demo holds: both flows, every desk, every center, and a few things that went wrong."""
    return list(PLOTS)


def quiet_the_past() -> None:
    """Tell nobody about what happened before the demo began, but for the newest event of each order."""
    for organization_id in outbox.organizations_waiting():
        outbox.quiet_the_past(system_actor(organization_id, "demo"))


def seed_orders(
    network: DemoNetwork,
    seed: int,
    now: dt.datetime,
    tell: Callable[[str], None],
    wanted: list[tuple[int, Plot]] | None = None,
) -> int:
    """Make the orders of ``wanted`` (numbered: the result does not depend on who makes which); return how many."""
    chosen = wanted if wanted is not None else list(enumerate(plots()))
    for number, plot in chosen:
        chance = random.Random(f"{seed}/{number}")  # noqa: S311 - repeatable fiction, not a secret
        story = Story(network, plot, chance, now)
        token = codes.chance.set(chance)
        try:
            story.tell()
        finally:
            codes.chance.reset(token)
        tell(f"{story.journey.code} {plot.therapy} at {plot.center}: {plot.twist or plot.before or 'closed'}")
    return len(chosen)


class Story:
    """One order made along its own clock, so that plan, actual times and record tell one believable past."""

    def __init__(self, network: DemoNetwork, plot: Plot, chance: random.Random, now: dt.datetime) -> None:
        self.network, self.plot, self.chance, self.now = network, plot, chance, now
        self.journey = Journey(network.cast, chance, keeps=int(plot.twist == "reserve"), vector_lot=VECTOR_LOT)
        self.at = now - dt.timedelta(hours=self._nominal_hours())
        self.last = self.at - dt.timedelta(days=3)
        if plot.twist == "late":
            self.at -= dt.timedelta(hours=LATE_HOURS)
        if plot.twist == "waits":
            self.at -= dt.timedelta(days=self.chance.uniform(5, 40))
            self.last = self.at - dt.timedelta(days=3)
        if plot.before in COLLECTED_IN:
            site = network.sites[f"{plot.center}-main"]
            today = now.astimezone(ZoneInfo(site.zone)).date()
            days = AHEAD_DAYS if plot.twist == "ahead" else COLLECTED_IN[plot.before]
            day = today + dt.timedelta(days=days)
            self.journey.collect_on = dt.datetime.combine(day, CHAIR_OPENS, ZoneInfo(site.zone))

    def _nominal_hours(self) -> float:
        return self.chance.uniform(3, 18) + self._hours_until_stop()

    def _hours_until_stop(self, since: str = "") -> float:
        """Return how long the steps after ``since`` (all of them without it) take until the plot's stop."""
        keys = IN_VIVO_ORDER if self.plot.therapy == "auravec" else CAR_T_ORDER
        end = keys.index(self.plot.before) if self.plot.before else len(keys)
        paces = ((key, PACE[key]) for key in keys[keys.index(since) + 1 if since else 0 : end])
        return sum(pace if isinstance(pace, int | float) else NOMINAL_PLAN[key] for key, pace in paces)

    @contextmanager
    def _clock(self) -> Iterator[None]:
        with clock.at(max(min(self.at, self.now), self.last)):
            yield
            self.last = timezone.now()  # a step takes its time; the next one never happens before it

    def tell(self) -> None:
        """Enrol, go on step by step until the plot's stop, then let its twist happen."""
        with self._clock():
            self._enrol()
        while (key := self._next_key()) not in ("", self.plot.before):
            self._move_clock(key)
            with self._clock():
                self._perform(key)
        if self.plot.twist:
            self.at += dt.timedelta(hours=1)
            with self._clock():
                getattr(self, f"_twist_{self.plot.twist}", lambda: None)()

    def _perform(self, key: str) -> None:
        """Perform a step; when the other process took the place or the unit, choose again."""
        for tries_left in reversed(range(TRIES)):
            try:
                self.journey.perform(key, self._changes(key))
                return
            except Conflict:
                if not tries_left:
                    raise

    def _next_key(self) -> str:
        step = self.journey.next_step()
        return step.key if step else ""

    def _move_clock(self, key: str) -> None:
        pace = PACE[key]
        if isinstance(pace, int | float):
            self.at += dt.timedelta(hours=pace * self.chance.uniform(0.8, 1.1))
            if pace >= LONG_HOURS:  # after a long wait the story is on time again, so that its end is near now
                self.at = max(self.at, self._on_time_after(key))
            if key == "ship" and (planned := self._planned("tentative_return")):
                at_the_latest = planned - dt.timedelta(hours=RETURN_HOURS)
                self.at = max(self.last + dt.timedelta(minutes=2), min(self.at, at_the_latest))  # never after it is due
            return
        planned = self._planned(pace) or self.at
        if key == "kit":
            planned -= dt.timedelta(hours=21)
        wanted = planned + dt.timedelta(minutes=self.chance.uniform(1, 25))
        latest = self.now - dt.timedelta(hours=self._hours_until_stop(key))  # what follows must have happened, too
        self.at = max(self.at + dt.timedelta(minutes=2), min(wanted, latest))

    def _planned(self, name: str) -> dt.datetime | None:
        """Return a time of the order's plan."""
        viewer = self._viewer().actor
        with reading(viewer):
            return plan_time(flow.order_named(viewer, self.journey.code), name)

    def _on_time_after(self, key: str) -> dt.datetime:
        left = (
            self._hours_until_stop(key) + self.chance.uniform(0.3, 1) + (LATE_HOURS if self.plot.twist == "late" else 0)
        )
        return self.now - dt.timedelta(hours=left)

    def _viewer(self) -> Player:
        organization = self.network.organizations[self.plot.center]
        return self.network.cast.of(organization.pk, "enrol_patient")[0]

    def _enrol(self) -> None:
        coordinators = self.network.cast.of(self.network.organizations[self.plot.center].pk, "book_slots")
        infant = (self.now - dt.timedelta(days=60)).date() if self.plot.therapy == "auravec" else None
        identity = patients.invented(self.chance, infant)
        self.journey.enrol(coordinators[0], self.plot.therapy, f"{self.plot.center}-main", identity)

    def _changes(self, key: str) -> dict[str, Any]:
        if self.plot.twist == "too_warm" and key == "receipt":
            return {"temperature_c": "14.5"}
        if self.plot.twist == "failed_result" and key == "qc":
            return {
                "results": [
                    {"test": "identity", "value": "22"},
                    {"test": "viability", "value": "61"},
                    {"test": "cell_count", "value": "180"},
                    {"test": "endotoxin", "value": "0.5"},
                    {"test": "sterility", "value": "no growth"},
                ]
            }
        return {}

    def _twist_declined(self) -> None:
        self.journey.perform("confirm", {"decision": "decline", "reason": "The suite is down for maintenance."})

    def _twist_on_hold(self) -> None:
        put_on_hold(self._viewer().actor, self.journey.code, "Fever since yesterday; collection is not safe.")

    def _twist_cancelled(self) -> None:
        cancel(self._viewer().actor, self.journey.code, "The patient chose another therapy.")

    def _twist_waits(self) -> None:
        """No place is to be had: the order goes on the waiting list."""
        allocation.wait(self.network, self.journey.code, self.chance)

    def _twist_asks(self) -> None:
        """Nothing is published for the weeks that suit: the center asks the manufacturer."""
        oddities.ask_for_dates(self._viewer_may("book_slots"), self.journey, self.now)

    def _twist_reserve(self) -> None:
        """The batch is lost, and made again from the bag that was kept: the planner gives it a place."""
        oddities.make_again_from_reserve(self._viewer_may("prescribe"), self.journey)

    def _viewer_may(self, capability: str) -> Player:
        return self.network.cast.of(self.network.organizations[self.plot.center].pk, capability)[0]

    def _twist_late(self) -> None:
        """Nothing more happens: it should have."""

    def _twist_lost_batch(self) -> None:
        """The treating physician decides now whether it is collected again."""
        given = {"result": "terminated", "reason": "A sample of the culture was not sterile.", "bags": []}
        self.journey.perform("finish", given)

    def _twist_open_item(self) -> None:
        """Something is noticed after the review: it blocks the release until quality has closed it."""
        maker = self.network.organizations[self.network.maker_of(self.plot.therapy)]
        reviewer = next(
            p.actor for p in self.network.cast.of(maker.pk, "review_batch") if p.actor.persona == "qa_reviewer"
        )
        with reading(reviewer):
            stream_id = flow.order_named(reviewer, self.journey.code).stream_id
        text = "The freezer's door alarm rang for two minutes during storage of the batch record samples."
        open_deviation(reviewer, stream_id, kind="storage", severity="major", text=text)


CAR_T_ORDER = (
    "activate_coi",
    "consent",
    "eligibility",
    "prescribe",
    "book",
    "request",
    "confirm",
    "accept_job",
    "kit",
    "readiness",
    "identify",
    "labels",
    "apply_labels",
    "start_collection",
    "collect",
    "pack",
    "pickup",
    "delivery",
    "receipt",
    "start",
    "finish",
    "label_product",
    "qc",
    "review",
    "release",
    "ship_go",
    "ship",
    "ship_pickup",
    "ship_delivery",
    "receive_product",
    "store",
    "ld_go",
    "issue",
    "thaw",
    "bedside",
    "infuse",
    "close",
)
IN_VIVO_ORDER = (
    "activate_coi",
    "consent",
    "eligibility",
    "prescribe",
    "allocate",
    "ship",
    "ship_pickup",
    "ship_delivery",
    "receive_product",
    "store",
    "go",
    "issue",
    "prepare",
    "bedside",
    "administer",
    "close",
)
NOMINAL_PLAN = {
    "kit": 26.0,
    "identify": 18.0,
    "collect": 5.0,
    "pickup": 3.0,
    "delivery": 20.0,
    "start": 8.0,
}
