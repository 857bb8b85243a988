"""The registry of event kinds: what may be said in the record, who hears it, and in which words.

Each app declares its kinds in its own ``events.py``; a kind that is not registered cannot be written.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ledger.states import Erasure, Role


@dataclass(frozen=True)
class EventKind:
    """A kind of event.

    ``payload`` names each key with a short description of its value; other keys are refused.
    ``audience``: the roles that may read the event; empty means every party of the stream.
    ``text``: one sentence with ``{payload keys}``; ``text_for`` overrides it per role. Neither ever holds patient data.
    ``notifies``: whether the parties' next owners are told.
    """

    name: str
    label: str
    text: str
    payload: Mapping[str, str] = field(default_factory=dict)
    audience: tuple[Role, ...] = ()
    text_for: Mapping[str, str] = field(default_factory=dict)
    erasure: Erasure = Erasure.NOTHING_PERSONAL
    notifies: bool = False
    schema_version: int = 1

    def refuse_unknown(self, payload: Mapping[str, Any]) -> None:
        unknown = sorted(set(payload) - set(self.payload))
        if unknown:
            raise LookupError(f"event kind {self.name!r} does not declare payload keys {unknown}")

    def say(self, payload: Mapping[str, Any], role: str = "") -> str:
        """Return the sentence for a reader of ``role``; keys that are absent read as a dash, times in UTC."""
        read = {key: _as_read(value) for key, value in payload.items()}
        return self.text_for.get(role, self.text).format_map(_Dashes(read))


TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")


def _as_read(value: Any) -> Any:
    """Return a time of a payload, which is ISO 8601, as people read it."""
    if not (isinstance(value, str) and TIME.fullmatch(value)):
        return value
    return f"{dt.datetime.fromisoformat(value).astimezone(dt.UTC):%d %b %Y %H:%M} UTC"


class _Dashes(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return "–"


_kinds: dict[str, EventKind] = {}


def register(*kinds: EventKind) -> None:
    for kind in kinds:
        if kind.name in _kinds and _kinds[kind.name] != kind:
            raise LookupError(f"event kind {kind.name!r} is declared twice")
        _kinds[kind.name] = kind


def kind_named(name: str) -> EventKind:
    """Return the registered kind; raise LookupError for a name nobody declared."""
    try:
        return _kinds[name]
    except KeyError:
        raise LookupError(f"event kind {name!r} is not registered") from None


def registered() -> dict[str, EventKind]:
    return dict(_kinds)


register(
    EventKind(
        "ledger.refused",
        "Attempt refused",
        "An attempt was refused: {code}.",
        payload={
            "code": "refusal code word",
            "attempted": "kind of event that was attempted",
            "subject": "what it was tried on",
            "facts": "codes of missing facts",
            "read": "the code that was scanned instead of what was asked for; absent where none was",
        },
    ),
    EventKind(
        "ledger.checkpoint",
        "Checkpoint signed",
        "All hash chains' heads were signed.",
        payload={"heads": "number of streams", "digest": "SHA-256 over all heads"},
    ),
)
