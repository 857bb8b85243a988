"""What a quota leaves, as plain values: the search and the simulator ask them what ``quotas.take`` asks of the rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol
from uuid import UUID

from scheduling.states import QuotaStage


@dataclass(frozen=True, slots=True)
class QuotaLeft:
    """What one share of one stage still offers between two instants; ``reserve_left`` is for remanufacture alone.

    ``row_id`` names the allotment where several askers compete for it (None: nobody asks). ``quota_id`` says which
    shares belong together: a start needs a place of one share of *each* quota; ``title`` is the quota's.
    """

    organization_id: UUID
    stage: str
    share: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    left: int
    reserve_left: int = 0
    row_id: UUID | None = None
    quota_id: UUID | None = None
    title: str = ""

    def covers(self, stage: str, instant: dt.datetime) -> bool:
        return self.stage == stage and self.starts_at <= instant < self.ends_at


class Counted(Protocol):
    """What an allotment counts: a row of the table, or one of a simulation."""

    @property
    def organization_id(self) -> UUID: ...
    @property
    def stage(self) -> str: ...
    @property
    def share(self) -> str: ...
    @property
    def starts_at(self) -> dt.datetime: ...
    @property
    def ends_at(self) -> dt.datetime: ...
    @property
    def places(self) -> int: ...
    @property
    def reserve(self) -> int: ...
    @property
    def used(self) -> int: ...
    @property
    def remade(self) -> int: ...
    @property
    def pk(self) -> UUID | None: ...


def left_of(row: Counted) -> QuotaLeft:
    """Return a row as the search needs it. Ordinary places leave the reserve alone; the reserve needs a free place."""
    free = row.places - row.used - row.remade
    left = max(0, min(free, row.places - row.reserve - row.used))
    reserve_left = max(0, free - left)
    return QuotaLeft(
        row.organization_id, row.stage, row.share, row.starts_at, row.ends_at, left, reserve_left, row_id=row.pk
    )


def refusal_of(
    quotas: Iterable[QuotaLeft], stage: str, instant: dt.datetime, *, remanufacture: bool = False
) -> str | None:
    """Return why a start of ``stage`` at ``instant`` finds no quota, in words; None when every quota that counts it has
    a place, or none is set. The reason names the quota that is used up.

    Pure: it asks what ``take`` will ask of the rows.
    """
    room: dict[UUID | None, bool] = {}
    titles: dict[UUID | None, str] = {}
    for quota in quotas:
        if quota.covers(stage, instant):
            has_room = quota.left + (quota.reserve_left if remanufacture else 0) > 0
            room[quota.quota_id] = room.get(quota.quota_id, False) or has_room
            titles[quota.quota_id] = quota.title
    used_up = sorted(titles[quota_id] for quota_id, has_room in room.items() if not has_room)
    return used_up_words(stage, used_up[0]) if used_up else None


def used_up_words(stage: str, title: str = "") -> str:
    """Say that a quota is used up, and which."""
    label = QuotaStage(stage).label
    if title:
        return f"The quota “{title}” for this period is used up ({label}); it has no place left for your center."
    return f"The quota for this period is used up ({label}); your share and the common pool have no place left."
