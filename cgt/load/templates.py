"""Reads an order that the actions made, with everything that stands on its stream, as texts to be copied."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from cgt.load.texts import CONTAINER, DATE, NUMBER, Pattern, Text, unescaped
from ledger.installation import history_model, walled_models

CODES = {
    "orders_order": "code",
    "custody_chainofidentity": "code",
    "custody_shipment": "code",
    "quality_batch": "number",
    "quality_deviation": "number",
    "quality_release": "certificate_number",
}
VAULT = {"custody_patientkey", "custody_sealedidentity", "custody_blindindex"}  # sealed anew for each copy


BETWEEN_ROWS = "\x1e"  # JSON has no such character


@dataclass(frozen=True)
class EventText:
    """One event: its own text, and ``|<table>|<operation>|<row>`` of each history row as they enter its digest."""

    hash: str
    rows_digest: str
    canonical: Text
    rows: Text


@dataclass
class Template:
    """One order: its phase, its own ids and codes, its events, and the rows of every table as one text for COPY."""

    phase: str
    state: str
    patient_id: str
    ids: list[str]
    codes: dict[str, str]  # code -> the table whose code it is
    persons: list[str]
    dates: list[str]
    containers: list[str]
    events: list[EventText]
    tables: dict[str, Text]
    history_rows: int


class UnfitTemplate(RuntimeError):
    """The order changed rows that are not its own, so that a copy would change them again."""


class Reader:
    """Reads templates with a cursor of the auditor, who sees every row."""

    def __init__(self, cursor: Any, shared_words: Iterable[str]) -> None:
        self._cursor = cursor
        self._shared = list(shared_words)  # ids and names of the center whose orders are copied to other centers
        self._columns: dict[str, list[str]] = {}

    def read(self, code: str) -> Template:
        """Return the order ``code`` as a template."""
        question = "select stream_id::text, patient_id::text, phase, state from orders_order where code = %s"
        self._cursor.execute(question, [code])
        stream_id, patient_id, phase, state = self._cursor.fetchone()
        events = self._column("select id::text from ledger_event where stream_id = %s order by seq", stream_id)
        ids, raw = {stream_id, patient_id, *events}, {}
        raw["ledger_stream"] = self._rows("ledger_stream", "id = %s", stream_id)
        raw["ledger_event"] = self._rows("ledger_event", "stream_id = %s order by seq", stream_id)
        histories: dict[str, str] = {}
        for model in walled_models():
            table, history = model._meta.db_table, history_model(model)
            if history is not None:
                past = history._meta.db_table
                histories[past] = table
                own = self._column(f"select distinct id::text from {past} where event_id = any(%s::uuid[])", events)
                self._require_own(code, table, past, own, events)
                ids |= set(own)
                raw[table] = self._rows(table, "id = any(%s::uuid[])", own)
                raw[past] = self._rows(past, "event_id = any(%s::uuid[])", events)
            elif table not in raw and table not in VAULT and _has_stream(model):
                raw[table] = self._rows(table, "stream_id = %s", stream_id)
                ids |= {row["id"] for row in raw[table]}
        _unbind(raw)
        found = {code: table for table, column in CODES.items() for code in self._codes(table, column, stream_id)}
        return _template((phase, state, patient_id), ids, found, raw, histories, self._shared)

    def _require_own(self, code: str, table: str, past: str, own: list[str], events: list[str]) -> None:
        foreign = f"select 1 from {past} where id = any(%s::uuid[]) and event_id <> all(%s::uuid[]) limit 1"
        if own and self._column(foreign, own, events):
            raise UnfitTemplate(f"{code} changed rows of {table} that are not its own")

    def _column(self, question: str, *values: Any) -> list[Any]:
        self._cursor.execute(question, values)
        return [row[0] for row in self._cursor.fetchall()]

    def _codes(self, table: str, column: str, stream_id: str) -> list[str]:
        return self._column(f"select {column} from {table} where stream_id = %s and {column} is not null", stream_id)

    def _written(self, table: str) -> list[str]:
        columns = "select attname from pg_attribute where attrelid = %s::regclass and attnum > 0 and not attisdropped"
        return self._column(f"{columns} and attgenerated = '' order by attnum", table)

    def _rows(self, table: str, where: str, *values: Any) -> list[dict[str, str]]:
        """Return rows as COPY writes them, cell by cell; without the columns that the database derives itself."""
        if table not in self._columns:
            self._columns[table] = self._written(table)
        names = self._columns[table]
        condition = self._cursor.mogrify(where, values).decode()
        written, columns = io.StringIO(), ", ".join(f'"{name}"' for name in names)
        self._cursor.copy_expert(f"copy (select {columns} from {table} where {condition}) to stdout", written)
        return [dict(zip(names, line.split("\t"), strict=True)) for line in written.getvalue().splitlines()]


def _unbind(raw: dict[str, list[dict[str, str]]]) -> None:
    """Let the boxes of copies bind no shipper or logger: the template's box has them, and they are in one alone."""
    for row in (*raw.get("custody_shipment", ()), *raw.get("custody_historicalshipment", ())):
        row["binds_pieces"] = "f"
        if "row_text" in row:
            row["row_text"] = row["row_text"].replace('"binds_pieces": true', '"binds_pieces": false')


def _has_stream(model: type[Any]) -> bool:
    return any(field.column == "stream_id" for field in model._meta.concrete_fields)


def _template(
    order: tuple[str, str, str],
    ids: set[str],
    codes: dict[str, str],
    raw: dict[str, list[dict[str, str]]],
    histories: dict[str, str],
    shared: list[str],
) -> Template:
    cells = raw["ledger_event"]
    persons = sorted({cell["person_id"] for cell in cells} - {"\\N"})
    hashes = [cell[name] for cell in cells for name in ("hash", "rows_digest")]
    pattern = Pattern([*ids, *codes, *persons, *hashes, *shared])
    written = sorted((int(row["history_id"]), past, row) for past in histories for row in raw[past])
    rows_of: dict[str, list[str]] = defaultdict(list)
    for rank, (_, past, row) in enumerate(written):
        rows_of[row["event_id"]].append(f"|{histories[past]}|{row['history_type']}|{unescaped(row['row_text'])}")
        row["history_id"] = NUMBER.format(rank)
    events = [
        EventText(
            cell["hash"],
            cell["rows_digest"],
            pattern.text(unescaped(cell["canonical"])),
            pattern.text(BETWEEN_ROWS.join(rows_of[cell["id"]])),
        )
        for cell in cells
    ]
    texts_of = {table: ["\t".join(row.values()) + "\n" for row in rows] for table, rows in raw.items() if rows}
    tables = {table: pattern.text("".join(lines)) for table, lines in texts_of.items()}
    texts = [*tables.values(), *(text for event in events for text in (event.canonical, event.rows))]
    words = sorted({word for text in texts for word in text.words})
    dates, containers = ([w for w in words if re.fullmatch(shape, w)] for shape in (DATE, CONTAINER))
    phase, state, patient_id = order
    return Template(
        phase, state, patient_id, sorted(ids), codes, persons, dates, containers, events, tables, len(written)
    )
