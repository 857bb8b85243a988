"""Save how the files of a logger model are read, once per model (LM3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import available_timezones

from rest_framework import serializers

from custody import logger_files
from custody.logger_layouts import NAMES
from custody.models import LoggerLayout
from custody.policies import require
from ledger.context import Actor
from ledger.recording import Once, acting
from ledger.refusals import InvalidInput
from personas.states import Capability


class LayoutInputs(serializers.Serializer[Any]):
    """How the files of one model of logger are read. Saved again, it replaces what was saved for the model."""

    model = serializers.CharField(max_length=80, label="Model of logger")
    time_column = serializers.CharField(max_length=80, label="Column of times", help_text="As headed in the file.")
    value_column = serializers.CharField(max_length=80, label="Column of temperatures")
    serial_label = serializers.CharField(
        max_length=80,
        required=False,
        allow_blank=True,
        default="",
        label="Where the serial number stands",
        help_text="A column, or the word before it in the lines above. Empty: one of the usual.",
    )
    time_format = serializers.ChoiceField(
        choices=list(logger_files.FORMATS.items()),
        required=False,
        allow_blank=True,
        default="",
        label="Times look like",
    )
    zone = serializers.CharField(
        max_length=64, label="Time zone of its clock", help_text="IANA name, for times without an offset, e.g. UTC."
    )
    fahrenheit = serializers.BooleanField(required=False, default=False, label="Degrees Fahrenheit")


def save_layout(actor: Actor, raw: Mapping[str, Any], *, once: Once | None = None) -> str:
    """Save the organization's layout of a logger model; return the model. It counts for files that come from now on."""
    with acting(actor, "custody.layout_saved", subject=("layout", ""), once=once) as event:
        asked = LayoutInputs(data=raw)
        if not asked.is_valid():
            raise InvalidInput(fields=asked.errors)
        given = dict(asked.validated_data)
        require(actor, Capability.KEEP_EQUIPMENT)
        if given["zone"] not in available_timezones():
            raise InvalidInput(fields={"zone": ["Enter a time zone such as Europe/Berlin or UTC."]})
        model = given["model"].strip()
        row = LoggerLayout.unwalled.filter(organization_id=actor.organization_id, model__iexact=model).first()
        row = row or LoggerLayout(organization_id=actor.organization_id, model=model)
        for name in NAMES:
            setattr(row, name, given[name])
        row.save()
        event.note(model=row.model, **{name: given[name] for name in NAMES})
        event.result = {"model": row.model}
    return str(row.model)
