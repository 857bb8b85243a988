"""Who hears of an event inside one organization. Upper floors know who must act next and register it here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from ledger.context import Actor
from ledger.models import Event
from notifications.states import NoticeClass
from personas.queries import User


@dataclass(frozen=True)
class Recipient:
    """Somebody to tell: ``title`` without patient data, ``path`` where to act (``/…``), ``due`` by when.

    ``critical``: a patient may come to harm if it waits (it passes quiet hours). ``category``: what a person switches
    e-mail on and off by.
    """

    user: User
    title: str
    path: str
    due: dt.datetime | None = None
    critical: bool = False
    category: str = NoticeClass.TASK


Finder = Callable[[Actor, Event], list[Recipient]]
Judge = Callable[[Actor, Event], "set[UUID] | None"]
_finders: list[Finder] = []
_judges: list[Judge] = []


def register(finder: Finder) -> Finder:
    """Ask ``finder(actor, event)`` for every relayed event; ``actor`` is a system job inside the organization told.

    It runs inside ``reading(actor)`` and may be asked again for the same event: it must only read.
    """
    if finder not in _finders:
        _finders.append(finder)
    return finder


def unregister(finder: Finder) -> None:
    _finders.remove(finder)


def recipients_of(actor: Actor, event: Event) -> list[Recipient]:
    """Return everybody to tell, each once, with the first finder's words."""
    found: dict[object, Recipient] = {}
    for finder in _finders:
        for recipient in finder(actor, event):
            found.setdefault(recipient.user.pk, recipient)
    return list(found.values())


def judge(found: Judge) -> Judge:
    """Ask ``found(actor, event)`` which events of the same stream still leave something to do; None: it cannot tell.

    Tasks told of by any other event of the stream are settled: they leave the inbox's open part.
    """
    if found not in _judges:
        _judges.append(found)
    return found


def still_open(actor: Actor, event: Event) -> set[UUID] | None:
    """Return the events whose tasks still wait in the acting organization; None when nobody can tell."""
    answers = [answer for judging in _judges if (answer := judging(actor, event)) is not None]
    return set().union(*answers) if answers else None
