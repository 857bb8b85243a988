"""Registered facts that a flow step's condition may ask: (fact, operator, value), all true; no expressions."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from network import queries as network
from orders import reserve
from orders.models import Order
from scheduling import slot_chains
from scheduling.states import ChainState

_facts: dict[str, Callable[[Order], Any]] = {
    "modality": lambda order: order.therapy.modality,
    "center_country": lambda order: order.center_site.country,
    "plant_is_contracted": lambda order: bool(
        order.plant_site and order.plant_site.organization_id != order.manufacturer_id
    ),
    "bags": lambda order: int(order.specification.limits.get("bags", 1)),
    "dose_bags": lambda order: int(order.specification.limits.get("dose_bags", 1)),
    "slots_confirmed": lambda order: _slots_confirmed(order),
    "only_reserve": lambda order: reserve.is_all_there_is(order),
    "ld_on_release": lambda order: network.lymphodepletion_on_release(order.therapy_id, order.center_site_id),
}
OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda value, options: value in options,
}
_types: dict[str, type] = {name: str for name in ("modality", "center_country")} | {
    "plant_is_contracted": bool,
    "ld_on_release": bool,
    "slots_confirmed": bool,
    "only_reserve": bool,
    "bags": int,
    "dose_bags": int,
}


def _slots_confirmed(order: Order) -> bool:
    chain = slot_chains.live_chain(order.stream_id)
    return chain is not None and chain.state == ChainState.CONFIRMED


def known_facts() -> list[str]:
    return sorted(_facts)


def holds(order: Order, condition: list[list[Any]]) -> bool:
    """Whether every clause of the condition is true for the order."""
    return all(OPERATORS[op](_facts[fact](order), value) for fact, op, value in condition)


def _comparable(fact: str, op: str, value: Any) -> bool:
    """Whether an order's fact can be compared with the value at all: what cannot would stop every order."""
    if op == "in":
        return isinstance(value, list) and all(type(option) is _types[fact] for option in value)
    return type(value) is _types[fact]


def condition_faults(condition: Any) -> list[str]:
    """Return what is wrong with a condition, in words."""
    if not isinstance(condition, list):
        return ["a condition is a list of [fact, operator, value]"]
    faults = []
    for clause in condition:
        if not (isinstance(clause, list) and len(clause) == 3):
            faults.append(f"{clause!r} is not [fact, operator, value]")
        elif not isinstance(clause[0], str) or clause[0] not in _facts:
            faults.append(f"unknown fact {clause[0]!r}; known: {', '.join(known_facts())}")
        elif not isinstance(clause[1], str) or clause[1] not in OPERATORS:
            faults.append(f"unknown operator {clause[1]!r}; known: {', '.join(OPERATORS)}")
        elif not _comparable(*clause):
            faults.append(f"{clause[0]} is never {clause[1]} {clause[2]!r}: the value is of another type")
    return faults
