"""Another patient's code among what was scanned stops the line before anything else is said of the act.

Two people scan the same things. What one of them left out, mistyped or did not sign is a slip and is told in words. A
code of another patient beside it, whoever scanned it, is none: all that was sent is looked through for it first.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from custody import identity, scans
from orders.entitled import why_not
from orders.models import Order
from orders.scanning_back import codes_in
from orders.states import OrderState, StepState
from orders.step_kinds import DIFFERS, LATE, StepContext, StepKind

SCANS = ("scan", "wristband")  # a donation number is judged where it is bound; an outer code names no patient
BY_ANOTHER = ("verifiers", "second", "witness")  # whoever else scans may scan several codes into one field
LONGEST, MOST = 400, 100
_LAST = re.compile(r"[^\[\].]+$")


def refuse(kind: StepKind, ctx: StepContext, sent: Mapping[str, Any]) -> None:
    """Raise Mismatch when any scan sent with a step is another patient's, or something was said to differ.

    ``sent``: its inputs, read or as they came. It names what lies beside the people who scan, so that it is put aside.
    """
    field, words = kind.differs
    if field and sent.get(field) == DIFFERS:
        raise scans.mismatch(kind.at_hand(ctx), words)
    if kind.scans_identity:
        among(ctx.order, sent, lambda: kind.at_hand(ctx))


def refuse_unread(kind: StepKind, ctx: StepContext, sent: Mapping[str, Any]) -> None:
    """Do so for inputs that cannot be read as a whole, where the act is the actor's and it is time for it."""
    if not kind.scans_identity or why_not(ctx.actor, ctx.step):
        return
    is_late = kind.physical and bool(str(sent.get(LATE) or "").strip())  # neither time nor facts stand against that
    if not is_late and (ctx.order.state != OrderState.OPEN or ctx.order.on_hold or ctx.step.state != StepState.READY):
        return
    if not identity.query_facts(ctx.order.stream_id) and (is_late or not kind.missing(ctx)):
        refuse(kind, ctx, sent)


def among(order: Order, sent: Any, at_hand: Callable[[], Collection[Any]]) -> None:
    """Raise Mismatch when any scan in what was sent with an act on the order is another patient's."""
    codes = [code for code in dict.fromkeys(_codes(sent)) if not scans.is_plainly_of(order.identity_code, code)]
    beside = list(at_hand()) if codes else []
    for code in codes[:MOST]:
        scans.refuse_foreign(order.stream_id, code, beside)


def _codes(sent: Any, several: bool = False) -> Iterator[str]:
    """Yield every code scanned, of nested inputs or of a form's fields (``bags[0]scan``)."""
    if isinstance(sent, Mapping):
        for name, value in sent.items():
            by_another = several or str(name).startswith(BY_ANOTHER)
            last = _LAST.search(str(name))
            if not isinstance(value, str):
                yield from _codes(value, by_another)
            elif last and last.group() in SCANS and len(value) <= LONGEST:
                yield from codes_in(value) if by_another else [value]
    elif isinstance(sent, list | tuple):
        for one in sent:
            yield from _codes(one, several)
