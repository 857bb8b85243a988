"""Quotas in memory: what the product's tables hold of allotments, asked with its own ``quota_rules``."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from uuid import UUID
from zoneinfo import ZoneInfo

from scheduling import quota_periods
from scheduling.clocks import clock_of, instant
from scheduling.quota_rules import QuotaLeft, left_of
from scheduling.simulation.network import Network, QuotaRule, ShareOf, site_id
from scheduling.states import QuotaStage, Share


@dataclass
class Allotted:
    """The places of one share in one period, as ``scheduling.models.Allotment`` counts them."""

    organization_id: UUID
    stage: str
    share: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    places: int
    reserve: int
    first: int  # local date on which the period begins
    last: int
    used: int = 0
    remade: int = 0
    pk: UUID | None = None

    def has_room(self, is_remake: bool) -> bool:
        left = left_of(self)
        return left.left + (left.reserve_left if is_remake else 0) > 0


@dataclass
class Use:
    """A place taken of a share."""

    row: Allotted
    is_remake: bool


class Quota:
    """One rule and its rows, made as periods are asked for."""

    def __init__(self, rule: QuotaRule, countries: Mapping[str, str], measured: range) -> None:
        self.rule, self.countries, self.since = rule, countries, 0
        self.measured = [day for day in measured if self._first_of(day) == day]
        self.clock = clock_of(ZoneInfo(rule.zone))
        order = {Share.CENTER: 0, Share.REGION: 1, Share.POOL: 2}
        self.shares = sorted(rule.shares, key=lambda share: order[_kind(share)])
        self._periods: dict[int, list[Allotted]] = {}
        self._fit: dict[str, list[int]] = {}
        self.counted = [Counted(share.label, share.places * len(self.measured)) for share in self.shares]

    def rows(self, center: str, first: int, last: int) -> Iterator[Allotted]:
        """Yield the rows that a center may take of, in the order in which they are taken, for the days from first to
        last."""
        fit = self._fit.get(center)
        if fit is None:
            fit = self._fit[center] = [n for n, share in enumerate(self.shares) if self._serves(share, center)]
        day = self._first_of(max(first, self.since))
        while day <= last:
            rows = self._period(day)
            for nth in fit:
                yield rows[nth]
            day = rows[0].last + 1

    def at(self, center: str, moment: int) -> list[Allotted]:
        """Return the rows of the period that a moment falls into."""
        date = self.clock.date(moment)
        return list(self.rows(center, date, date))

    def release(self, today: int) -> list[int]:
        """Let unused places of shares that are due go into the pool; return the first days of their periods."""
        if self.rule.release_days is None:
            return []
        moved = []
        for day in range(today, today + self.rule.release_days + 1):
            if self._first_of(day) != day:
                continue
            *shares, pool = self._period(day)
            for row in shares:
                unused = left_of(row).left
                if unused:
                    row.places -= unused
                    pool.places += unused
                    moved.append(day)
        return sorted(set(moved))

    def forget(self, before: int) -> None:
        """Count and drop periods that are over: nothing is asked of them any more."""
        self.since = before
        for day in [day for day, rows in self._periods.items() if rows[0].last < before]:
            for counted, share, row in zip(self.counted, self.shares, self._periods.pop(day), strict=True):
                if day in self.measured:
                    counted.add(row, share.places)

    def _serves(self, share: ShareOf, center: str) -> bool:
        if share.center:
            return share.center == center
        return not share.countries or self.countries[center] in share.countries

    def _first_of(self, day: int) -> int:
        return quota_periods.first_of(self.rule.period, dt.date.fromordinal(day)).toordinal()

    def _period(self, day: int) -> list[Allotted]:
        rows = self._periods.get(day)
        if rows is None:
            after = quota_periods.next_first(self.rule.period, dt.date.fromordinal(day)).toordinal()
            since, until = (instant(self.clock.day(date)[0]) for date in (day, after))
            rows = self._periods[day] = [
                Allotted(
                    site_id("manufacturer"), self.rule.stage, _kind(share), since, until, share.places,
                    share.places * self.rule.reserve_percent // 100, day, after - 1,
                )
                for share in self.shares
            ]  # fmt: skip
        return rows


@dataclass
class Counted:
    """What one share had and gave over the measured periods."""

    label: str
    places: int
    used: int = 0
    remade: int = 0
    released: int = 0

    def add(self, row: Allotted, places: int) -> None:
        self.used += row.used
        self.remade += row.remade
        self.released += max(0, places - row.places)


class Shares:
    """Every quota of a network: what is left of them, taken and given back."""

    def __init__(self, network: Network, measured: range) -> None:
        countries = {center.id: center.country for center in network.centers}
        self.quotas = {rule.stage: Quota(rule, countries, measured) for rule in network.quotas}

    def left(self, center: str, first: int, last: int, infused: int, *, is_remake: bool) -> list[QuotaLeft]:
        """Return what a center may take between two dates (of beds until ``infused``), as the search asks for it; of
        what is made again with the reserve."""
        found = [
            left_of(row)
            for stage, quota in self.quotas.items()
            for row in quota.rows(center, first, infused if stage == QuotaStage.INFUSION_BED else last)
        ]
        if not is_remake:
            return found
        return [
            QuotaLeft(
                one.organization_id, one.stage, one.share, one.starts_at, one.ends_at, one.left + one.reserve_left
            )
            for one in found
        ]

    def take(self, center: str, starts: Mapping[str, int], *, is_remake: bool) -> dict[str, Use]:
        """Take one place of each quota that the starts (ticks by stage) fall under: the center's own share first, then
        its region's, then the pool's. The search has seen that there is one."""
        uses = {}
        for stage, moment in starts.items():
            if stage in self.quotas:
                row = next(row for row in self.quotas[stage].at(center, moment) if row.has_room(is_remake))
                if is_remake:
                    row.remade += 1
                else:
                    row.used += 1
                uses[stage] = Use(row, is_remake)
        return uses

    def give_back(self, uses: Iterable[Use]) -> list[Allotted]:
        """Give places back; return the rows that have them."""
        rows = []
        for use in uses:
            if use.is_remake:
                use.row.remade -= 1
            else:
                use.row.used -= 1
            rows.append(use.row)
        return rows

    def release(self, today: int) -> list[int]:
        """Let what is unused go into the pools; return the first days of the periods that gained places."""
        return [day for quota in self.quotas.values() for day in quota.release(today)]

    def forget(self, before: int) -> None:
        """Drop what is over before a local date."""
        for quota in self.quotas.values():
            quota.forget(before)

    def use(self) -> dict[str, dict[str, dict[str, int | float]]]:
        """Return by stage and share what the measured periods had and what of it was used."""
        return {
            str(stage): {
                one.label: {
                    "places": one.places, "used": one.used, "remade": one.remade, "released": one.released,
                    "share": round((one.used + one.remade) / one.places, 4) if one.places else 0.0,
                }
                for one in quota.counted
            }
            for stage, quota in self.quotas.items()
        }  # fmt: skip


def _kind(share: ShareOf) -> Share:
    return Share.CENTER if share.center else Share.REGION if share.countries else Share.POOL
