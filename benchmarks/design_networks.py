"""Networks to be designed, made up from a seed: as hard as they are told to be. Fictional."""

from __future__ import annotations

import random
from typing import Any

LINES = (4, 31, 10, 4, 31, 10, 20, 8, 16, 12)
HORIZON = 130


def network(
    patients: int, plants: int, *, seed: int, last_day: int, cap: int = 18, waiting: int = 0, most: int | None = None
) -> dict[str, Any]:
    """Return a network file of eight sites. The earlier ``last_day``, the fuller the lines; with a cap of 18 days one
    way of two may be slow."""
    chance = random.Random(seed)
    made = []
    for n in range(plants):
        lines = LINES[n % len(LINES)]
        made.append(
            {"id": f"m{n + 1}", "lines": lines, "cost_per_day": lines * round(chance.uniform(4800, 6200)) + 554}
        )
    sites, lanes = [f"c{n + 1}" for n in range(8)], []
    for site in sites:
        for plant in made:
            base = chance.randrange(500, 3500, 20)
            for mode, days, share in (("air", 1, 1.0), ("road", 2, chance.uniform(0.3, 0.6))):
                there, back = (site, plant["id"]), (plant["id"], site)
                for (origin, destination), factor in ((there, share), (back, share * 1.1)):
                    cost = round(base * factor)
                    lanes.append({"from": origin, "to": destination, "mode": mode, "days": days, "cost": cost})
    asked = []
    for n in range(patients):
        site = chance.choice(sites)
        treated = site if chance.random() < 0.8 else chance.choice(sites)
        ready = chance.randint(1, last_day)
        asked.append({"id": f"p{n + 1}", "collected_at": site, "treated_at": treated, "ready_day": ready})
    return {
        "plants": made,
        "sites": [{"id": site} for site in sites],
        "lanes": lanes,
        "patients": asked,
        "process": {"collection_days": 1, "manufacture_days": 7, "qc_days": 7},
        "cost_per_therapy": 19788,
        "vein_to_vein_cap_days": cap,
        "horizon_days": HORIZON,
        "max_plants": most,
        "waiting_allowed": waiting,
    }
