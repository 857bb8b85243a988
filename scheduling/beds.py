"""From the patient who is ready to the infusion: beds, weekdays, how long the product keeps, second dose."""

from __future__ import annotations

from scheduling.calendars import Calendar
from scheduling.clocks import DAY, FAR, instant, isoweekday
from scheduling.drafts import Miss, Stage, Tail, Taken, further
from scheduling.inbound import Quotas
from scheduling.offers import EVERY_DAY, ChainRequest
from scheduling.states import LinkKind, ResourceKind


class Beds:
    """Answers when a patient can be infused, at the earliest; what was answered once is remembered."""

    def __init__(self, request: ChainRequest, calendar: Calendar, quotas: Quotas) -> None:
        self.request, self.quotas = request, quotas
        self.center = calendar.places[request.center_site_id]
        self.clock = self.center.clock
        self.row = calendar.row(ResourceKind.INFUSION_BED, self.center.id)
        self._is_needed = LinkKind.INFUSION_BED.value in request.needs
        self._found: dict[tuple[int, int | None], Tail | Miss] = {}

    def infusion(self, ready: int, arrived: int) -> Tail | Miss:
        """Return the earliest infusion of a patient who is ready at a moment, with a product that arrived before."""
        hold = self.request.product_hold_days
        last = None if hold is None else arrived + round(hold * DAY)
        key = ready, last
        if key not in self._found:
            self._found[key] = self._infusion(ready, last)
        return self._found[key]

    def _infusion(self, ready: int, last: int | None) -> Tail | Miss:
        if self._is_needed:
            return self._in_bed(ready, FAR if last is None else last)
        start = self._allowed(ready)
        if last is not None and start > last:
            return self._held_too_long()
        return Tail((), ready, None, start, self._second_without_bed(start))

    def _in_bed(self, ready: int, last: int) -> Tail | Miss:
        worst, row = None, self.row
        for index in row.after(ready):
            start = self._allowed(max(ready, row.starts[index]))
            if start > last:
                worst = further(worst, self._held_too_long())
                break
            if start >= row.ends[index]:
                worst = further(worst, self._wrong_weekday())
                continue
            if row.left[index] <= 0:
                worst = further(worst, self._miss("bed_full", "Every", "is taken", ready))
                continue
            refused = self.quotas.miss(Stage.BED, LinkKind.INFUSION_BED.value, start)
            if refused:
                worst = further(worst, refused)
                continue
            bed = Taken(LinkKind.INFUSION_BED.value, row, index, start, row.ends[index], row.ends[index])
            second = self._second_bed(start, index)
            if isinstance(second, Miss):
                worst = further(worst, second)
                continue
            return Tail((bed, *second), ready, None, start, second[0].start if second else None)
        return worst or self._miss("no_bed", "No", "is offered", ready)

    def _allowed(self, moment: int) -> int:
        """Return the first moment from here on that lies on a weekday of infusions."""
        if self.request.infusion_weekdays == EVERY_DAY:
            return moment
        date = self.clock.date(moment)
        for day in range(date, date + 7):
            if isoweekday(day) in self.request.infusion_weekdays:
                return max(moment, self.clock.day(day)[0])
        return FAR

    def _second_without_bed(self, start: int) -> int | None:
        if not self.request.second_dose_days:
            return None
        return self.clock.day(self.clock.date(start) + self.request.second_dose_days)[0]

    def _second_bed(self, start: int, first: int) -> tuple[Taken, ...] | Miss:
        """Return the bed of the second dose, as near to its day as there is one; an empty tuple when none is needed."""
        days, give = self.request.second_dose_days, self.request.second_dose_tolerance_days
        if not days:
            return ()
        row, wanted = self.row, self.clock.date(start) + days
        for date in sorted(range(wanted - give, wanted + give + 1), key=lambda day: (abs(day - wanted), day)):
            if isoweekday(date) not in self.request.infusion_weekdays:
                continue
            opens, closes = self.clock.day(date)
            for index in row.after(opens):
                if row.starts[index] >= closes:
                    break
                if index != first and row.left[index] > 0:
                    begins = max(opens, row.starts[index])
                    kind, end = LinkKind.SECOND_BED.value, row.ends[index]
                    return (Taken(kind, row, index, begins, end, min(end, closes)),)
        return Miss(Stage.SECOND_BED, "no_second_bed", lambda: self._second_words(start, days, give))

    def _second_words(self, start: int, days: int, give: int) -> str:
        first = self.center.words(instant(start))
        return f"After a first dose {first} there is no bed for the second, {days} days later ± {give}."

    def _wrong_weekday(self) -> Miss:
        return Miss(Stage.BED, "infusion_weekday", lambda: "No bed is offered on the weekdays of infusions.")

    def _held_too_long(self) -> Miss:
        limit = self.request.product_hold_days
        words = f"The product keeps for {limit:g} days after its arrival; no infusion is possible by then."
        return Miss(Stage.BED, "product_too_old", lambda: words)

    def _miss(self, code: str, quantity: str, state: str, ready: int) -> Miss:
        words = f"{quantity} infusion bed from {{}} on {state}."
        return Miss(Stage.BED, code, lambda: words.format(self.center.words(instant(ready))))
