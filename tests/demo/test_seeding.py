"""The demonstration's stories are possible: a product is packed before its delivery is planned."""

from __future__ import annotations

from cgt.demo.network import CAR_T_LIMITS
from cgt.demo.seeding import CAR_T_ORDER, PACE

SLOWEST = 1.1  # of a step's pace


def test_a_product_is_packed_before_its_planned_delivery_even_in_the_slowest_story() -> None:
    start, ship = CAR_T_ORDER.index("start"), CAR_T_ORDER.index("ship")
    hours = sum(float(PACE[key]) for key in CAR_T_ORDER[start + 1 : ship + 1]) * SLOWEST
    planned = (CAR_T_LIMITS["manufacture_days"] + CAR_T_LIMITS["release_days"]) * 24
    assert hours < planned
