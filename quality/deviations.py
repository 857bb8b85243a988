"""Deviations: opened by a person or by the software, closed by somebody else. Runs inside an action."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from ledger.refusals import InvalidInput, NotAllowed, WrongState
from quality.batches import require_person
from quality.models import Deviation
from quality.numbers import new_number
from quality.order_streams import HasKey, locked_event, stream_id_of
from quality.states import DeviationState, Severity

_KIND = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)
MAX_TEXT = 4000


def refuse_bad_deviation(kind: Any, severity: Any, text: Any) -> None:
    """Raise InvalidInput naming ``kind``, ``severity`` or ``text``."""
    faults: dict[str, list[str]] = {}
    if not isinstance(kind, str) or not _KIND.fullmatch(kind):
        faults["kind"] = ["Use lower-case letters, digits, - and _."]
    if severity not in Severity.values:
        faults["severity"] = [f"Use one of {', '.join(Severity.values)}."]
    faults |= _text_fault("text", text, "Say what happened.")
    if faults:
        raise InvalidInput(fields=faults)


def refuse_bad_conclusion(conclusion: Any) -> None:
    """Raise InvalidInput naming ``conclusion``."""
    if faults := _text_fault("conclusion", conclusion, "Say what the investigation found."):
        raise InvalidInput(fields=faults)


def _text_fault(field: str, text: Any, advice: str) -> Mapping[str, list[str]]:
    if not isinstance(text, str) or not text.strip():
        return {field: [advice]}
    return {field: [f"Use at most {MAX_TEXT} characters."]} if len(text) > MAX_TEXT else {}


def open_deviation(
    stream: HasKey | UUID, kind: str, severity: str, text: str, automatic: bool = False, by: UUID | None = None
) -> Deviation:
    """Open a deviation on the order; who and when are the open event's. ``text`` never holds identifying data.

    ``by``: the person who answers for it, where a system job carries out what that person signed.
    """
    event = locked_event(stream_id_of(stream))
    refuse_bad_deviation(kind, severity, text)
    return Deviation.objects.create(
        stream_id=stream_id_of(stream),
        number=new_number("D"),
        kind=kind,
        severity=severity,
        text=text.strip(),
        automatic=automatic,
        opened_at=event.occurred_at,
        opened_by_id=by or event.actor.person_id,
    )


def add_to(deviation: Deviation, text: str) -> Deviation:
    """Add to an open deviation what has become known since; what stood there stays. WrongState once it is closed."""
    locked_event(deviation.stream_id)
    deviation.refresh_from_db()
    if deviation.state != DeviationState.OPEN:
        raise WrongState("This deviation is closed already.", code="deviation_closed")
    deviation.text = f"{deviation.text}\n{text.strip()}"[:MAX_TEXT]
    deviation.save(update_fields=["text"])
    return deviation


def close_deviation(deviation: Deviation, conclusion: str, person_id: UUID | None) -> Deviation:
    """Close a deviation with its conclusion. Who opened a major or critical one does not close it.

    Raises NotAllowed ``opener_cannot_close`` (unless the software opened it), WrongState ``deviation_closed``.
    """
    event = locked_event(deviation.stream_id)
    refuse_bad_conclusion(conclusion)
    require_person(person_id)
    deviation.refresh_from_db()
    serious = deviation.severity != Severity.MINOR and not deviation.automatic
    if serious and person_id == deviation.opened_by_id:
        raise NotAllowed(
            "Who opened a major or critical deviation may not close it.",
            code="opener_cannot_close",
            remedy="Ask a colleague to judge it.",
        )
    if deviation.state != DeviationState.OPEN:
        raise WrongState("This deviation is closed already.", code="deviation_closed")
    deviation.state, deviation.conclusion = DeviationState.CLOSED, conclusion.strip()
    deviation.closed_at, deviation.closed_by_id = event.occurred_at, person_id
    deviation.save(update_fields=["state", "conclusion", "closed_at", "closed_by_id"])
    return deviation


def beginning(stream_id: UUID, kind: str, text: str) -> list[Deviation]:
    """Return the deviations of a kind on a stream whose text begins so, oldest first."""
    rows = Deviation.unwalled.filter(stream_id=stream_id, kind=kind, text__startswith=text)
    return list(rows.order_by("opened_at", "pk"))


def explained(stream_ids: Collection[UUID], kind: str) -> set[UUID]:
    """Return the streams on which a deviation of this kind was investigated and closed, and none is open."""
    rows = Deviation.unwalled.filter(stream_id__in=stream_ids, kind=kind).values_list("stream_id", "state")
    states: dict[UUID, set[str]] = {}
    for stream_id, state in rows:
        states.setdefault(stream_id, set()).add(state)
    return {stream_id for stream_id, found in states.items() if found == {DeviationState.CLOSED}}
