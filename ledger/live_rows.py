"""Whether the rows of today are what their history says, and whether every history row has its event."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.db import connections

from ledger.faults import Fault
from ledger.installation import history_model, walled_models
from ledger.models import WalledModel
from ledger.walls import Parties

# Not the column itself: its index would be gone through from the newest row of the whole table for each row.
NUMBER = "history_id + 0"


def differing(recorded: str, present: str) -> list[str]:
    """Return the columns in which two rows (JSON text) differ; columns that only one of them has are no difference.

    A later version of the schema adds and drops columns; what was recorded keeps those of its time. Text that is no
    JSON differs as a whole.
    """
    try:
        before, now = (json.loads(text, parse_float=str, parse_int=str) for text in (recorded, present))
    except ValueError:
        return ["row_text"]
    return sorted(column for column in before if column in now and before[column] != now[column])


def faults(using: str, stream_id: UUID | None = None) -> Iterator[Fault]:
    """Yield every row that is not its newest history row, that vanished or appeared without one; orphaned history."""
    for model in walled_models():
        history = history_model(model)
        if history is not None:
            yield from _changed(using, model, history._meta.db_table, stream_id)
            yield from _vanished(using, model._meta.db_table, history._meta.db_table, stream_id)
            if stream_id is None:
                yield from _orphaned(using, model._meta.db_table, history._meta.db_table)
        if isinstance(model.wall, Parties):
            yield from _party_arrays(using, model._meta.db_table, model.wall.stream, stream_id)


def _rows(using: str, query: str, parameters: list[Any]) -> Iterator[tuple[Any, ...]]:
    with connections[using].chunked_cursor() as cursor:
        cursor.execute(query, parameters)
        yield from cursor


def _of_stream(alias: str, history: str, stream_id: UUID | None) -> tuple[str, list[Any]]:
    if stream_id is None:
        return "", []
    rows = f"select x.id from {history} x join ledger_event e on e.id = x.event_id where e.stream_id = %s"  # noqa: S608
    return f" and {alias}.id in ({rows})", [str(stream_id)]


def _changed(using: str, model: type[WalledModel], history: str, stream_id: UUID | None) -> Iterator[Fault]:
    table = model._meta.db_table
    ignored = "array[" + ", ".join(f"'{column}'" for column in model.untracked_columns) + "]::text[]"
    only, parameters = _of_stream("t", history, stream_id)
    query = f"""
        select t.id::text, (to_jsonb(t) - {ignored})::text, h.row_text, h.history_type, e.stream_id::text, e.seq, e.kind
        from {table} t
        left join lateral (select * from {history} n where n.id = t.id order by n.{NUMBER} desc limit 1) h on true
        left join ledger_event e on e.id = h.event_id
        where (h.row_text is distinct from (to_jsonb(t) - {ignored})::text or h.history_type = '-'){only}"""  # noqa: S608
    for row, present, recorded, operation, *where in _rows(using, query, parameters):
        place = _place(*where)
        if recorded is None:
            yield Fault("row_unrecorded", "This row has no history: nobody wrote it.", table=table, row=row)
        elif operation == "-":
            yield Fault("row_unrecorded", "The record says this row was deleted.", **place, table=table, row=row)
        elif columns := differing(recorded, present):
            yield Fault(
                "row_changed",
                "This row is not what the record last wrote.",
                **place,
                table=table,
                row=row,
                column=", ".join(columns),
            )


def _vanished(using: str, table: str, history: str, stream_id: UUID | None) -> Iterator[Fault]:
    only, parameters = _of_stream("h", history, stream_id)
    query = f"""
        select h.id::text, e.stream_id::text, e.seq, e.kind
        from {history} h left join ledger_event e on e.id = h.event_id
        where h.history_type <> '-' and not exists (select 1 from {table} t where t.id = h.id)
          and not exists (select 1 from {history} n where n.id = h.id and n.{NUMBER} > h.history_id){only}"""  # noqa: S608
    for row, *where in _rows(using, query, parameters):
        yield Fault(
            "row_missing",
            "This row is gone, and no record says it was deleted.",
            **_place(*where),
            table=table,
            row=row,
        )


def _orphaned(using: str, table: str, history: str) -> Iterator[Fault]:
    query = f"""
        select h.id::text, h.history_id from {history} h
        where not exists (select 1 from ledger_event e where e.id = h.event_id)"""  # noqa: S608
    for row, number in _rows(using, query, []):
        yield Fault("history_orphaned", f"History row {number} belongs to no event.", table=table, row=row)


def _party_arrays(using: str, table: str, stream: str, stream_id: UUID | None) -> Iterator[Fault]:
    """The hot rows' copy of the parties opens the wall: it must equal the parties."""
    only = f" and t.{stream} = %s" if stream_id else ""
    query = f"""
        select t.id::text, t.{stream}::text from {table} t
        cross join lateral (select coalesce(array_agg(p.organization_id), '{{}}') as ids from ledger_party p
                            where p.stream_id = t.{stream} and p.until is null) parties
        where not (t.party_ids @> parties.ids and parties.ids @> t.party_ids){only}"""  # noqa: S608
    for row, of_stream in _rows(using, query, [str(stream_id)] if stream_id else []):
        yield Fault(
            "parties_wrong",
            "Who may see this row is not who takes part.",
            stream_id=of_stream,
            table=table,
            row=row,
            column="party_ids",
        )


def _place(stream_id: str | None, seq: int | None, kind: str | None) -> dict[str, Any]:
    return {"stream_id": stream_id or "", "seq": seq, "event_kind": kind or ""}
