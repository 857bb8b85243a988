"""Fills a demo database: the network, then a few dozen orders in every phase, each made by the real actions."""

from __future__ import annotations

import datetime as dt
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cgt.demo import clock
from cgt.demo.journey import Journey, Player
from cgt.demo.network import DemoNetwork
from ledger import outbox
from ledger.context import reading
from ledger.refusals import Conflict
from orders import codes, flow
from orders.actions.interruptions import cancel, put_on_hold
from orders.attempts import plan_time
from personas.queries import system_actor

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
    "qc": 5 * 24,
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
FAMILY = (
    "Abendroth",
    "Bellweather",
    "Cobbler",
    "Dunkelmann",
    "Eisenlohr",
    "Fairweather",
    "Grünwald",
    "Hollister",
    "Ibarra-Okafor",
    "Jansdotter",
    "Katzenbach",
    "Llewellyn",
    "Mondragón",
    "Nightingale",
    "Østergaard",
    "Papadimitriou",
    "Quillfeather",
    "Ravensworth",
    "Szczepański",
    "Tannenbaum",
)
GIVEN = (
    "Alma",
    "Bao",
    "Chiara",
    "Dmitri",
    "Elif",
    "Farid",
    "Gwendolyn",
    "Hamza",
    "Imani",
    "Juno",
    "Kofi",
    "Lucía",
    "Mateusz",
    "Noor",
    "Odile",
    "Priya",
    "Rafael",
    "Siobhán",
    "Tomoko",
    "Yusuf",
)


@dataclass(frozen=True)
class Plot:
    """One order to make: whose, of what, how far, and what happens to it."""

    center: str
    therapy: str
    before: str  # the step that is next when the order is left alone; "" runs to the end
    twist: str = ""


CAR_T_STOPS = (
    "activate_coi",
    "consent",
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
    "collect",
    "pack",
    "pickup",
    "delivery",
    "receipt",
    "start",
    "finish",
    "qc",
    "review",
    "release",
    "ship_go",
    "ship",
    "ship_delivery",
    "receive_product",
    "ld_go",
    "issue",
    "thaw",
    "bedside",
    "",
)
IN_VIVO_STOPS = ("eligibility", "allocate", "ship", "ship_pickup", "receive_product", "issue", "prepare", "")


def plots() -> list[Plot]:
    """Return what the demo holds: both flows, every phase, every center, and a few things that went wrong."""
    centers, car_t = ("linden", "isar", "harbor"), ("auralcel", "borocel", "boromyel")
    found = [Plot(centers[n % 3], car_t[(n + n // 3) % 3], stop) for n, stop in enumerate(CAR_T_STOPS)]
    found += [Plot(centers[n % 3], "auravec", stop) for n, stop in enumerate(IN_VIVO_STOPS)]
    return [
        *found,
        Plot("linden", "borocel", "confirm", "declined"),
        Plot("linden", "auralcel", "kit", "on_hold"),
        Plot("harbor", "auralcel", "book", "cancelled"),
        Plot("linden", "boromyel", "start", "too_warm"),
        Plot("isar", "borocel", "review", "failed_result"),
    ]


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
        self.journey = Journey(network.cast, chance)
        self.at = now - dt.timedelta(hours=self._nominal_hours())

    def _nominal_hours(self) -> float:
        total = self.chance.uniform(3, 18)
        keys = IN_VIVO_ORDER if self.plot.therapy == "auravec" else CAR_T_ORDER
        for key in keys:
            if key == self.plot.before:
                break
            pace = PACE[key]
            total += pace if isinstance(pace, int | float) else NOMINAL_PLAN[key]
        return total

    @contextmanager
    def _clock(self) -> Iterator[None]:
        with clock.at(min(self.at, self.now)):
            yield

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
            return
        viewer = self._viewer().actor
        with reading(viewer):
            planned = plan_time(flow.order_named(viewer, self.journey.code), pace) or self.at
        if key == "kit":
            planned -= dt.timedelta(hours=21)
        self.at = max(self.at + dt.timedelta(minutes=20), planned + dt.timedelta(minutes=self.chance.uniform(1, 25)))

    def _viewer(self) -> Player:
        organization = self.network.organizations[self.plot.center]
        return self.network.cast.of(organization.pk, "enrol_patient")[0]

    def _enrol(self) -> None:
        coordinators = self.network.cast.of(self.network.organizations[self.plot.center].pk, "book_slots")
        born = dt.date(self.chance.randrange(1945, 2005), self.chance.randrange(1, 13), self.chance.randrange(1, 29))
        if self.plot.therapy == "auravec":
            born = (self.now - dt.timedelta(days=self.chance.randrange(60, 700))).date()
        identity = {
            "family_name": self.chance.choice(FAMILY),
            "given_name": self.chance.choice(GIVEN),
            "birth_date": born.isoformat(),
            "mrn": f"F{self.chance.randrange(10**7, 10**8)}",
            "sex": self.chance.choice(["female", "male"]),
            "phone": "",
        }
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
