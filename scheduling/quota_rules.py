"""What a quota leaves, as plain values: the search and the simulator ask them what ``quotas.take`` asks of the rows."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from scheduling.states import QuotaStage


@dataclass(frozen=True, slots=True)
class QuotaLeft:
    """What one share of one stage still offers between two instants; ``reserve_left`` is for remanufacture alone.

    ``row_id`` names the allotment where several askers compete for it (None: nobody asks).
    """

    organization_id: UUID
    stage: str
    share: str
    starts_at: dt.datetime
    ends_at: dt.datetime
    left: int
    reserve_left: int = 0
    row_id: UUID | None = None

    def covers(self, stage: str, instant: dt.datetime) -> bool:
        return self.stage == stage and self.starts_at <= instant < self.ends_at


def refusal_of(
    quotas: Iterable[QuotaLeft], stage: str, instant: dt.datetime, *, remanufacture: bool = False
) -> str | None:
    """Return why a start of ``stage`` at ``instant`` finds no quota, in words; None when there is one, or none is set.

    Pure: it asks what ``take`` will ask of the rows.
    """
    found = [quota for quota in quotas if quota.covers(stage, instant)]
    if not found or any(quota.left + (quota.reserve_left if remanufacture else 0) > 0 for quota in found):
        return None
    label = QuotaStage(stage).label
    return f"The quota for this period is used up ({label}); your share and the common pool have no place left."
