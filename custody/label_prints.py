"""The content of a print: kept when it is printed, and drawn from what was kept ever after."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from custody import label_templates
from custody.label_composition import RENDERER
from custody.label_contents import SEALED, Code, LabelContent, LabelText, content_of, patient_lines_of
from custody.label_standards import StandardSymbol
from custody.label_templates import Market
from custody.models import Label, LabelPrint
from custody.states import LabelElement
from ledger.recording import open_event

FORMAT = 1
NOT_KEPT = "Printed before the content of prints was kept"


@dataclass(frozen=True)
class Printing:
    """What a print takes from its order: the market whose template holds, the words per kind of label.

    ``patient_fields``: names of the identifying fields that therapy and market disclose, in the order of the label.
    """

    market: Market
    texts: Mapping[str, LabelText]
    patient_fields: tuple[str, ...] = ()


def keep(prints: Iterable[Label], printing: Printing) -> None:
    """Keep what stands on new prints, inside the event that prints them; the event has the SHA-256 of each."""
    kept = [_kept(label, printing) for label in prints]
    LabelPrint.unwalled.bulk_create(kept)
    event = open_event()
    event.note(label_contents=[*event.payload.get("label_contents", []), *(row.digest for row in kept)])


def drawn(label: Label, text: LabelText, patient: Callable[[Sequence[str]], Sequence[str]]) -> LabelContent:
    """Return what stood on a print; one without kept content is drawn from the rows as they are, by its template.

    ``label.kept`` (or its absence) should be loaded. ``patient``: opens identifying fields by name for whoever looks,
    nothing where they may not be seen.
    """
    row = kept_of(label)
    if row is None:
        return content_of(label, replace(text, layout=label_templates.layout_of(label.design)))
    return from_data(row.content, patient_lines_of(patient(row.patient_fields)))


def kept_of(label: Label) -> LabelPrint | None:
    return getattr(label, "kept", None)


def renderer_of(label: Label) -> int | None:
    """Return the version of what drew a print; None for one from before it was kept."""
    row = kept_of(label)
    return row.content.get("renderer") if row else None


def as_data(content: LabelContent) -> dict[str, Any]:
    """Return a content as JSON: the fields of LabelContent, ``format``, ``renderer``; the patient's lines are one
    empty line.
    """
    return {"format": FORMAT, "renderer": RENDERER, **json.loads(json.dumps(asdict(content)))}


def from_data(data: Mapping[str, Any], patient: Sequence[str] = ()) -> LabelContent:
    """Return the content again, with the patient's lines in their place."""
    lines: list[tuple[str, str]] = []
    for element, line in data["lines"]:
        if element == LabelElement.PATIENT:
            lines += [(element, own) for own in patient]
        else:
            lines.append((element, line))
    standard = data["standard"]
    return LabelContent(
        symbol=data["symbol"],
        product=data["product"],
        codes=tuple(Code(**code) for code in data["codes"]),
        k_of_n=data["k_of_n"],
        lines=tuple(lines),
        warnings=tuple(data["warnings"]),
        footer=data["footer"],
        standard=StandardSymbol(**standard) if standard else None,
        stock=data["stock"],
    )


def said(label: Label) -> str:
    """Return in one text what stood on a print; of the patient only which fields, never their values."""
    row = kept_of(label)
    if row is None:
        return NOT_KEPT
    content, fields = row.content, ", ".join(name.replace("_", " ") for name in row.patient_fields)
    lines = [
        (f"patient: {fields} (sealed)" if fields else "") if element == LabelElement.PATIENT else line
        for element, line in content["lines"]
    ]
    codes = [f"{code['title']} {code['code']} [{code['check']}]" for code in content["codes"]]
    standard = content["standard"]
    symbols = [f"{standard['title']}: {standard['content']}"] if standard else []
    parts = [content["product"], *codes, content["k_of_n"], *lines, *symbols, *content["warnings"], content["footer"]]
    return " | ".join(part for part in parts if part)


def what_ended(label: Label, zone: str) -> list[str]:
    """Return in words why a print is valid no more and how it is drawn here. ``zone``: IANA, for the time."""
    renderer, at = renderer_of(label), label.ended_at
    when = f" since {at.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M} ({zone})" if at else ""
    words = [f"NOT A LABEL. Print {label.serial} is {label.get_state_display().lower()}{when}; its code is refused."]
    if kept_of(label) is None:
        words.append(f"{NOT_KEPT}: drawn from the order as it is today.")
    elif renderer == RENDERER:
        words.append(f"Drawn as it was printed, by renderer {renderer}.")
    else:
        before = f"by renderer {renderer}" if renderer else "before the renderer's version was kept"
        words.append(f"Printed {before}, drawn here by renderer {RENDERER}: the same words, places may differ.")
    return words


def _kept(label: Label, printing: Printing) -> LabelPrint:
    layout = label_templates.layout_of(label.design)
    nobody = replace(printing.texts[label.template], layout=layout, patient_lines=SEALED)
    data = as_data(content_of(label, nobody))
    fields = list(printing.patient_fields) if LabelElement.PATIENT in layout.elements else []
    return LabelPrint(
        stream_id=label.stream_id,
        label=label,
        content=data,
        patient_fields=fields,
        digest=digest_of(data, fields),
    )


def digest_of(content: Mapping[str, Any], patient_fields: Sequence[str]) -> str:
    """Return the SHA-256 of a print's content: JSON with sorted keys, no spaces, UTF-8."""
    data = {"content": content, "patient_fields": list(patient_fields)}
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
