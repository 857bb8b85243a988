"""What a verification of the record found wrong."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Fault:
    """One finding, as precise as it can be: stream, event (sequence and kind), table, row, columns.

    ``kind`` is a stable code word, ``text`` says it in words without any value of the row (it may be read aloud).
    """

    kind: str
    text: str
    stream_id: str = ""
    seq: int | None = None
    event_kind: str = ""
    table: str = ""
    row: str = ""
    column: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in ("", None)}

    def __str__(self) -> str:
        place = [
            f"stream {self.stream_id}" if self.stream_id else "",
            f"event {self.seq}" + (f" ({self.event_kind})" if self.event_kind else "") if self.seq is not None else "",
            f"table {self.table}" if self.table else "",
            f"row {self.row}" if self.row else "",
            f"column {self.column}" if self.column else "",
        ]
        return f"{self.kind}: {', '.join(part for part in place if part)}: {self.text}"
