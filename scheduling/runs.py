"""A courier's runs from one place to another: cut-off, running days, places, and how long the shipper holds."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from uuid import UUID

from scheduling.calendars import Calendar, Place
from scheduling.clocks import FAR, HOUR, instant
from scheduling.drafts import Miss, Stage, spell
from scheduling.offers import ChainRequest
from scheduling.states import ResourceKind

# A run that is caught: whose it is (see ``Row``), its window, pickup and arrival in ticks. Plain: thousands are made.
Run = tuple[int, int, int, int]


class Runs:
    """The runs between two places as a request may use them. ``stage``: where a run that cannot be caught is missed."""

    def __init__(
        self, request: ChainRequest, calendar: Calendar, origin: Place, destination: Place, stage: Stage
    ) -> None:
        self.origin, self.destination, self.stage = origin, destination, stage
        self.row = calendar.row(ResourceKind.COURIER_LANE, origin.id, destination.id)
        self.clock = origin.clock
        self.quickest = min(self.row.transits, default=0)
        self.buffer = round(request.shipper_buffer_hours * HOUR)
        couriers, holds = request.courier_organization_ids, _holds(request, origin.id, destination.id)
        owners = [source.organization_id for source in self.row.resources]
        self._serves = [couriers is None or owner in couriers for owner in owners]
        self._holds = [holds.get(owner, holds.get(None, FAR)) - self.buffer for owner in owners]
        self._free: dict[tuple[int, int], list[tuple[int, ...]]] = {}
        self._kept = [s and t <= h for s, t, h in zip(self._serves, self.row.transits, self._holds, strict=True)]

    def caught(self, ready: int, first: int, last: int, packed: int | None = None) -> list[Run]:
        """Return the runs that fetch material that is ``ready``, of those that start from ``first`` (not after
        ``ready``) to before ``last`` or are open at ``ready``, in order of their start. ``packed``: before."""
        found, packed = [], ready if packed is None else packed
        for start, latest, transit, hold, owner, index in self._free_of(first, last):
            pickup = start if start > ready else ready
            if pickup <= latest and pickup + transit - packed <= hold:
                found.append((owner, index, pickup, pickup + transit))
        return found

    def _free_of(self, first: int, last: int) -> list[tuple[int, ...]]:
        """The runs of some days that have places, as start, latest pickup, transit, hold, owner and index."""
        found = self._free.get((first, last))
        if found is None:
            found = self._free[first, last] = []
            row = self.row
            starts, ends, owners, left = row.starts, row.ends, row.owners, row.left
            for index in range(bisect_left(starts, first - row.longest), bisect_left(starts, last)):
                owner, start = owners[index], starts[index]
                if left[index] <= 0 or not self._serves[owner] or (start < first and ends[index] <= first):
                    continue
                latest = row.last_pickup(index, self.clock)
                if start < first:
                    latest = min(latest, ends[index] - 1)  # of the day before: it must be open at the pickup
                if latest >= start:
                    found.append((start, latest, row.transits[owner], self._holds[owner], owner, index))
        return found

    def leaving(self, released: int) -> Iterator[Run]:
        """Yield the runs that fetch a product released at a moment, as it is packed at the pickup."""
        row, clock, kept = self.row, self.clock, self._kept
        starts, ends, owners, left, latest, transits = (
            row.starts, row.ends, row.owners, row.left, row.latest, row.transits,
        )  # fmt: skip
        for index in range(bisect_left(starts, released - row.longest), len(starts)):
            if ends[index] > released and left[index] > 0:
                owner, start, last = owners[index], starts[index], latest[index]
                if kept[owner]:
                    pickup = start if start > released else released
                    if pickup <= (row.last_pickup(index, clock) if last is None else last):
                        yield owner, index, pickup, pickup + transits[owner]

    def missed(self, ready: int, packed: int | None, first: int, last: int | None) -> Iterator[Miss]:
        """Yield why each of the other runs is not caught. ``last`` None: any later; ``packed`` None: at the pickup."""
        row = self.row
        for index in self._offered(ready, first, last):
            owner, latest, pickup = row.owners[index], row.last_pickup(index, self.clock), max(ready, row.starts[index])
            planned = pickup + row.transits[owner] - (pickup if packed is None else packed)
            if pickup > latest:
                yield self._gone(index, ready, latest)
            elif row.left[index] <= 0:
                name = row.source(index).name
                yield Miss(self.stage, "lane_full", lambda name=name: f"Every place of {name} is taken.")  # type: ignore[misc]
            elif planned > self._holds[owner]:
                yield self._too_short(index, planned)

    def offers(self, ready: int, first: int, last: int | None) -> bool:
        """Whether there is a run at all, caught or not."""
        return next(self._offered(ready, first, last), None) is not None

    def _offered(self, ready: int, first: int, last: int | None) -> Iterator[int]:
        row, serves = self.row, self._serves
        starts, ends, owners = row.starts, row.ends, row.owners
        until = len(starts) if last is None else bisect_left(starts, last)
        for index in range(bisect_left(starts, first - row.longest), until):
            if (starts[index] >= first or ends[index] > ready) and serves[owners[index]]:
                yield index

    def _gone(self, index: int, ready: int, latest: int) -> Miss:
        name = self.row.source(index).name

        def closed() -> str:
            return f"{name} does not run on a {self.origin.local(instant(self.row.starts[index])):%A}."

        def late() -> str:
            by = self.origin.local(instant(latest))
            when = self.origin.words_with(instant(ready), self.destination)
            return f"Ready for pickup {when}, after the cut-off {by:%H:%M} of {name}."

        return Miss(self.stage, "lane_closed", closed) if latest < 0 else Miss(self.stage, "after_cutoff", late)

    def _too_short(self, index: int, planned: int) -> Miss:
        source, hold = self.row.source(index), self._holds[self.row.owners[index]] + self.buffer
        return Miss(
            Stage.SHIPPER if self.stage == Stage.LANE else self.stage,
            "shipper_too_short",
            lambda: too_short(source.name, hold, planned, self.buffer),
        )

    def none_on(self, moment: int, code: str) -> Miss:
        """Return the miss of a day on which no run is offered."""

        def words() -> str:
            day = self.origin.local(instant(moment))
            way = f"from {self.origin.name} to {self.destination.name}"
            return f"No courier offers a run {way} on {day:%a %d %b} ({self.origin.zone.key})."

        return Miss(self.stage, code, words)


def too_short(name: str, hold: int, planned: int, buffer: int) -> str:
    """Say whose shipper holds how long, and how long it would have to; all in ticks."""
    also = f" and a buffer of {spell(buffer)} are" if buffer else " are"
    return f"The shipper of {name} holds for {spell(hold)}; {spell(planned)} until it arrives{also} more."


def _holds(request: ChainRequest, origin_id: UUID, destination_id: UUID) -> dict[UUID | None, int]:
    """How long the shippers of a way hold, in ticks, by courier (None: any other)."""
    return {
        hold.courier_id: round(hold.hours * HOUR)
        for hold in request.shipper_holds
        if (hold.origin_id, hold.destination_id) == (origin_id, destination_id)
    }
