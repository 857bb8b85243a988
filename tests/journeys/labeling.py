"""Prints that wait are scanned back, as two people do it."""

from __future__ import annotations

from cgt.demo.journey import Journey, Player
from ledger.context import reading
from orders.actions.scan_back import scan_back, waiting
from orders.flow import order_named


def scan_all_back(journey: Journey, one: Player, other: Player) -> list[str]:
    """Let two people scan every print that waits where they are; return the serials."""
    with reading(one.actor):
        serials = [label.serial for label in waiting(one.actor, order_named(one.actor, journey.code))]
    second = {"username": other.username, "password": other.password, "scan": ", ".join(serials)}
    signature = {"username": one.username, "password": one.password}
    sent = {"bags": [{"scan": serial} for serial in serials], "signature": signature, "second": second}
    return scan_back(one.actor, journey.code, sent)
