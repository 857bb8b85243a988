"""Names in what is told to every party of an order: those of the parties themselves, of nobody else."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from scheduling.calendars import Calendar, Place, Source
from scheduling.repair.snapshot import Affected, Offered


def parties(order: Affected) -> frozenset[UUID]:
    """Return the organizations that have a place of the order's chain as it is booked."""
    return frozenset(pick.window.organization_id for pick in order.current.picks)


def for_parties(order: Affected, offered: Offered) -> Calendar:
    """Return what is offered to the order's center: another plant, courier or quota has no name in it."""
    known, sites = parties(order), {order.request.center_site_id, order.current.plant_id}

    def place(one: Place) -> str:
        return one.name if one.id in sites else "another plant"

    def source(one: Source) -> str:
        ends = {one.place_id, one.lane.destination_id} if one.lane else {one.place_id}
        if one.organization_id in known and ends <= sites:
            return one.name
        return "another courier" if one.lane else "another resource"

    calendar = offered.calendar.named(place, source)
    calendar.quotas = [replace(row, title="") for row in offered.quotas.get(order.request.center_site_id, ())]
    return calendar
