"""What one plant offers to material that arrives: receiving, starts of manufacture, critical stock (DOMAIN 10.2)."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from uuid import UUID

from scheduling.calendars import EMPTY, Calendar, Row
from scheduling.clocks import instant
from scheduling.drafts import Miss, Stage, Taken
from scheduling.inbound import Quotas
from scheduling.offers import ChainRequest
from scheduling.states import LinkKind, ResourceKind

BAY, LINE, STOCK = (kind.value for kind in (LinkKind.RECEIVING, LinkKind.MANUFACTURING_LINE, LinkKind.CRITICAL_STOCK))


class AtPlant:
    """Answers for one plant (None: the material stays at the center and needs none of this)."""

    def __init__(self, request: ChainRequest, calendar: Calendar, quotas: Quotas, plant_id: UUID | None) -> None:
        self.request, self.quotas = request, quotas
        self.center = calendar.places[request.center_site_id]
        self.plant = self.center if plant_id is None else calendar.places[plant_id]

        def row(kind: ResourceKind) -> Row | None:
            return calendar.row(kind, plant_id) if plant_id is not None and kind.value in request.needs else None

        self.bays = row(ResourceKind.RECEIVING)
        self.lines = row(ResourceKind.MANUFACTURING_LINE)
        self.stock = row(ResourceKind.CRITICAL_STOCK)

    def receives(self, bay: Taken | None) -> bool:
        """Whether an arrival for which this bay was found can be received."""
        return bay is not None or self.bays is None

    def bay(self, arrival: int) -> Taken | None:
        """Return the bay that receives an arrival; None when there is none (or when none is needed)."""
        row = self.bays
        if row is None:
            return None
        starts, ends, left = row.starts, row.ends, row.left
        for index in range(bisect_left(starts, arrival - row.longest), bisect_right(starts, arrival)):
            end = ends[index]
            if end > arrival and left[index] > 0 and not self.quotas.refuses(BAY, starts[index]):
                return Taken(BAY, row, index, starts[index], end, end)  # as a whole: a dock expects the box within it
        return None

    def no_bay(self, arrival: int) -> Miss:
        """Return why an arrival cannot be received."""
        plant, row, full, refused = self.plant, self.bays or EMPTY, False, None
        for index in row.covering(arrival):
            full = full or row.left[index] <= 0
            if row.left[index] > 0:
                refused = self.quotas.miss(Stage.RECEIVING, BAY, row.starts[index])

        def words() -> str:
            when = plant.words_with(instant(arrival), self.center)
            if full:
                return f"{plant.name} can receive no more on arrival {when}."
            return f"Arrival {when} is outside the receiving hours of {plant.name}."

        return refused or Miss(Stage.RECEIVING, "receiving_full" if full else "outside_receiving", words)

    def starts(
        self, arrival: int, oldest: int, manufacture: int, since: str = "after arrival"
    ) -> Iterator[tuple[int, tuple[Taken, ...]] | Miss]:
        """Yield when manufacture may start, earliest first, with line and stock; a start that may not as a miss.

        ``since``: how the words of one that is not offered say what ``arrival`` is.
        """
        row = self.lines
        if row is None:
            yield self._with_stock(arrival, ())
            return
        full, offered = False, False
        for index in row.after(arrival):
            start = row.starts[index]
            if start < arrival:
                start = arrival
            if start > oldest:
                break
            if row.left[index] <= 0:
                full = True
                continue
            offered = True
            line = Taken(LINE, row, index, start, start + manufacture, min(row.ends[index], oldest))
            missed = self.quotas.miss(Stage.LINE, LINE, start) if self.quotas.are_set else None
            yield missed or self._with_stock(start, (line,))
        if not offered:
            yield self._no_line(arrival, full, since)

    def _with_stock(self, start: int, line: tuple[Taken, ...]) -> tuple[int, tuple[Taken, ...]] | Miss:
        row, known = self.stock, ""
        if row is None:
            return start, line
        for index in row.covering(start):
            known = row.source(index).name
            if row.left[index] > 0:
                end = row.ends[index]
                return start, (*line, Taken(STOCK, row, index, start, end, end))
        plant = self.plant

        def words() -> str:
            when = plant.words(instant(start))
            if known:
                return f"Nothing is left of {known} at {plant.name} for a start {when}."
            return f"{plant.name} offers no critical stock for a start {when}."

        return Miss(Stage.STOCK, "stock_used" if known else "no_stock", words)

    def _no_line(self, arrival: int, full: bool, since: str) -> Miss:
        plant = self.plant

        def words() -> str:
            limit = "its storage ends" if self.request.cryopreserved else "the material is too old"
            when = plant.words_with(instant(arrival), self.center)
            quantity, state = ("Every", "is taken") if full else ("No", "is offered")
            return f"{quantity} manufacturing start at {plant.name} {since} {when} and before {limit} {state}."

        return Miss(Stage.LINE, "line_full" if full else "no_line", words)
