"""An order whose material is collected already, as far as a test needs it."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from scheduling.repair.snapshot import Affected, Material

HOUR = dt.timedelta(hours=1)
LINE, BAY, LANE, CHAIR = "manufacturing_line", "receiving", "courier_lane", "apheresis_chair"


def collected(order: Affected, material: Material, **changes: object) -> Affected:
    """Return the order with its material so far: it keeps for 72 h from the end of collection, and is not given up."""
    given = {"expires_at": order.current.collection_end + 72 * HOUR, "may_recollect": False, **changes}
    return replace(order, material=material, **given)  # type: ignore[arg-type]
