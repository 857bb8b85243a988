"""A courier's runs from one place to another: cut-off, running days, places, and how long the shipper holds."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from scheduling.calendars import Calendar, Place
from scheduling.clocks import HOUR, instant
from scheduling.drafts import Miss, Stage, spell
from scheduling.offers import ChainRequest
from scheduling.states import ResourceKind


class Run(NamedTuple):
    """A run that can be caught: its window, pickup and arrival, and the latest pickup, in ticks."""

    nth: int
    pickup: int
    arrival: int
    latest: int


class Runs:
    """The runs between two places as a request may use them. ``stage``: where a run that cannot be caught is missed."""

    def __init__(
        self, request: ChainRequest, calendar: Calendar, origin: Place, destination: Place, stage: Stage
    ) -> None:
        self.origin, self.destination, self.stage = origin, destination, stage
        self.row = calendar.row(ResourceKind.COURIER_LANE, origin.id, destination.id)
        self.clock = origin.clock
        self.couriers = request.courier_organization_ids
        self.buffer = round(request.shipper_buffer_hours * HOUR)
        self._holds: dict[UUID | None, int] = {
            hold.courier_id: round(hold.hours * HOUR)
            for hold in request.shipper_holds
            if (hold.origin_id, hold.destination_id) == (origin.id, destination.id)
        }

    def catch(self, ready: int, packed: int | None, first: int, last: int | None) -> Iterator[Run | Miss]:
        """Yield the runs that start from ``first`` to before ``last`` (None: any later), or are open at ``ready``.

        In order of their start; a run that cannot be caught as the miss. ``packed``: when the shipper was closed
        (None: at the pickup).
        """
        row, starts = self.row, self.row.starts
        for index in row.after(min(ready, first)):
            if last is not None and starts[index] >= last:
                break
            if starts[index] < first and row.ends[index] <= ready:
                continue
            if self.couriers is not None and row.sources[index].organization_id not in self.couriers:
                continue
            latest, pickup = row.last_pickup(index, self.clock), max(ready, starts[index])
            if pickup > latest:
                yield self._missed(index, ready, latest)
            elif row.left[index] <= 0:
                yield Miss(self.stage, "lane_full", lambda i=index: f"Every place of {self._name(i)} is taken.")  # type: ignore[misc]
            else:
                arrival = pickup + row.transits[index]
                yield self._held(Run(index, pickup, arrival, latest), pickup if packed is None else packed)

    def _name(self, index: int) -> str:
        return self.row.sources[index].name

    def _missed(self, index: int, ready: int, latest: int) -> Miss:
        def closed() -> str:
            day = self.origin.local(instant(self.row.starts[index]))
            return f"{self._name(index)} does not run on a {day:%A}."

        def late() -> str:
            by = self.origin.local(instant(latest))
            when = self.origin.words_with(instant(ready), self.destination)
            return f"Ready for pickup {when}, after the cut-off {by:%H:%M} of {self._name(index)}."

        if latest < 0:
            return Miss(self.stage, "lane_closed", closed)
        return Miss(self.stage, "after_cutoff", late)

    def _held(self, run: Run, packed: int) -> Run | Miss:
        """Return the run if its shipper holds for as long as planned, and the buffer."""
        if not self._holds:
            return run
        hold = self._holds.get(self.row.sources[run.nth].organization_id, self._holds.get(None))
        planned = run.arrival - packed + self.buffer
        if hold is None or planned <= hold:
            return run
        return Miss(
            Stage.SHIPPER if self.stage == Stage.LANE else self.stage,
            "shipper_too_short",
            lambda: (
                f"The shipper of {self._name(run.nth)} holds for {spell(hold)}; {spell(planned - self.buffer)} until "
                f"it arrives and a buffer of {spell(self.buffer)} are more."
            ),
        )

    def none_on(self, moment: int, code: str) -> Miss:
        """Return the miss of a day on which no run is offered."""

        def words() -> str:
            day = self.origin.local(instant(moment))
            way = f"from {self.origin.name} to {self.destination.name}"
            return f"No courier offers a run {way} on {day:%a %d %b} ({self.origin.zone.key})."

        return Miss(self.stage, code, words)


def isoweekday(ordinal: int) -> int:
    return dt.date.fromordinal(ordinal).isoweekday()
