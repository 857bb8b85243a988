"""A dossier as files: for a person to read and print, for a machine, and the means to verify both."""

from __future__ import annotations

import datetime as dt
import inspect
import io
import json
import zipfile
from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string

from ledger import copies, seals
from ledger.context import Actor
from ledger.events import kind_named
from ledger.models import Event, Signature
from orders.dossier_pdf import dossier_pdf

TEMPLATES = {
    "dossier.html": "orders/dossier/dossier.html",
    "dossier.css": "orders/dossier/dossier.css",
    "READ-ME.txt": "orders/dossier/read-me.txt",
}


def sealed(
    actor: Actor,
    document: dict[str, Any],
    events: Iterable[Event],
    signatures: Iterable[Signature],
    more: dict[str, bytes],
) -> dict[str, bytes]:
    """Seal the document; return all files of the dossier by name."""
    signed: dict[Any, list[Any]] = {}
    for signature in signatures:
        signed.setdefault(signature.event_id, []).append(
            {"row": signature, "at": _local(signature.signed_at, signature.zone)}
        )
    words = {event.seq: _words(actor, event, signed.get(event.pk, [])) for event in events}
    context = {
        "document": document,
        "parts": [_table(name, rows) for name, rows in document["parts"].items() if name != "order"],
        "facts": [(_title(name), _value(name, value)) for name, value in document["parts"]["order"][0].items()],
        "events": [{**link, **words.get(link["seq"], {})} for link in document["events"]],
        "fingerprint": seals.fingerprint(),
        "made_at": _value("made_at", document["made_at"]),
        "files": sorted(more),
    }
    files = {name: render_to_string(template, context).encode() for name, template in TEMPLATES.items()}
    context["photos"] = {name: content for name, content in more.items() if name.endswith(".jpg")}
    files["dossier.pdf"] = dossier_pdf(context)
    files |= {"verify.py": inspect.getsource(copies).encode(), **more}
    seals.seal(document, files)
    return {"dossier.json": json.dumps(document, ensure_ascii=False, indent=1).encode(), **files}


def packed(files: dict[str, bytes], made_at: dt.datetime) -> bytes:
    """Return the files as one zip."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, made_at.timetuple()[:6]), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _words(actor: Actor, event: Event, signatures: list[dict[str, Any]]) -> dict[str, Any]:
    kind = kind_named(event.kind)
    return {
        "label": kind.label,
        "text": kind.say(event.payload, actor.organization_role),
        "row": event,
        "at": _local(event.occurred_at, event.zone),
        "signatures": signatures,
    }


def _local(moment: dt.datetime, zone: str) -> str:
    """Return a time at its place, and in UTC."""
    there = moment.astimezone(ZoneInfo(zone))
    return f"{there:%Y-%m-%d %H:%M} {zone} ({moment.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC)"


def _table(name: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    columns = list(rows[0]) if rows else []
    return {
        "name": name,
        "title": _title(name),
        "columns": [_title(column) for column in columns],
        "rows": [[_value(column, row.get(column)) for column in columns] for row in rows],
    }


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _value(name: str, value: Any) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if name.endswith("_at") or name in ("since", "until"):
        return f"{dt.datetime.fromisoformat(value):%Y-%m-%d %H:%M} UTC"
    return str(value)
