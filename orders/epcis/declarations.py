"""What an event of the record says in EPCIS: one declaration per kind, a pure function over what is recorded."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orders.epcis.around import Around, Box
from orders.epcis.vocabulary import OBJECT

Shape = tuple[str, str, str, str]  # event type, action ("" for a transformation), bizStep, disposition


@dataclass(frozen=True)
class Said:
    """One EPCIS event before it is written down; codes, not URIs.

    ``outer``: says nothing about what is inside a box, so that a courier may read it. ``error``: it declares an event
    wrong that was said before, for this reason, at this time.
    """

    shape: Shape
    things: tuple[tuple[str, str], ...] = ()  # (kind, code)
    parent: tuple[str, str] | None = None
    made: tuple[tuple[str, str], ...] = ()  # outputs of a transformation, whose inputs are ``things``
    transformation: str = ""  # batch
    site: str | None = None  # where it was; None: where the step belongs
    transactions: tuple[tuple[str, str, str], ...] = ()  # (bizTransaction type, kind, code)
    given_by: str = ""  # possessing party before and after
    taken_by: str = ""
    sensors: tuple[Mapping[str, Any], ...] = ()
    ilmd: Mapping[str, Any] = field(default_factory=dict)
    extensions: Mapping[str, Any] = field(default_factory=dict)
    outer: bool = False
    error: tuple[str, dt.datetime] | None = None
    at: dt.datetime | None = None  # of the event that is declared wrong
    zone: str = ""


@dataclass(frozen=True)
class Happening:
    """An event of the record with what stands around it."""

    kind: str
    payload: Mapping[str, Any]
    occurred_at: dt.datetime
    recorded_at: dt.datetime
    zone: str
    organization_id: Any
    stream_id: Any
    around: Around
    wrong: Happening | None = None  # what it declares wrong, and what corrects that
    corrected_by: tuple[Happening, ...] = ()

    @property
    def facts(self) -> Mapping[str, Any]:
        return self.payload.get("facts") or {}

    @property
    def step_kind(self) -> str:
        return str(self.payload.get("kind", ""))

    @property
    def failed(self) -> bool:
        return self.kind == "orders.step_failed"

    @property
    def site(self) -> str:
        return str(self.payload.get("site") or "")

    def box(self) -> Box | None:
        """The box that the act names."""
        return self.around.boxes.get(str(self.facts.get("shipment") or self.payload.get("box") or ""))


Say = Callable[[Happening], Iterable[Said]]


@dataclass(frozen=True)
class Declaration:
    """``key``: a kind of step, or a kind of event. ``shapes``: all it may ever say; queries narrow by them."""

    key: str
    shapes: tuple[Shape, ...]
    say: Say

    @property
    def outer(self) -> bool:
        return self.key in _OUTER


_declared: dict[str, Declaration] = {}
_excused: dict[str, str] = {}
_OUTER: set[str] = set()


def says(key: str, *shapes: Shape, outer: bool = False) -> Callable[[Say], Say]:
    """Function decorator: declare what a kind of step (or of event) says. ``outer``: some of it is for couriers too."""

    def declared(say: Say) -> Say:
        if key in _declared:
            raise LookupError(f"{key!r} is declared twice")
        _declared[key] = Declaration(key, shapes, say)
        if outer:
            _OUTER.add(key)
        return say

    return declared


def excuse(reason: str, *keys: str) -> None:
    """Say why kinds of step or event say nothing in EPCIS."""
    _excused.update(dict.fromkeys(keys, reason))


def declarations() -> dict[str, Declaration]:
    return dict(_declared)


def excuses() -> dict[str, str]:
    return dict(_excused)


def say(happening: Happening) -> list[Said]:
    """Return what an event of the record says; nothing for a kind that is excused."""
    found = _declared.get(happening.step_kind if happening.kind in STEP_EVENTS else happening.kind)
    return list(found.say(happening)) if found else []


def an_object(action: str, biz_step: str, disposition: str) -> Shape:
    return (OBJECT, action, biz_step, disposition)


STEP_EVENTS = ("orders.step_done", "orders.step_progressed", "orders.step_recorded_late", "orders.step_failed")
